package ecr

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

const (
	opScan         = "ask ECR for findings"
	actionFindings = "ecr:DescribeImageScanFindings"
)

// Bounds of what is asked for about one image. A finding of Inspector has some kilobytes, and a page must fit into maxAnswer.
const (
	pageSize = 100
	maxPages = 60
)

// Report asks ECR what its basic scanning or Amazon Inspector found, by DescribeImageScanFindings as the API reference of Amazon
// ECR has it.
func (r *registry) Report(ctx context.Context, a external.Asking) (external.Report, error) {
	report := external.Report{Scanner: external.Tool{Name: "Amazon ECR"}}
	if r.from == nil {
		return report, fault.New(fault.Forbidden, opScan, "the password that an agent pushes gives no access to findings").
			Named("ecr-findings-pushed").WithFix("Give the integration access keys or the container IAM role, or leave the category SCANNER out.")
	}
	as, err := r.from.last(ctx)
	if err != nil || a.Ref.Repository == "" {
		return report, err
	}
	client, hide := r.from.ecr(as), r.from.hidden(as)
	said := func(text *string) string { return integration.Said(aws.ToString(text), hide...) }
	in := &ecr.DescribeImageScanFindingsInput{
		RegistryId: &r.from.account, RepositoryName: &a.Ref.Repository, MaxResults: aws.Int32(pageSize),
		ImageId: &types.ImageIdentifier{ImageDigest: aws.String(string(a.Digest))},
	}
	for range maxPages {
		out, err := client.DescribeImageScanFindings(ctx, in)
		if none := (*types.ScanNotFoundException)(nil); errors.As(err, &none) {
			return report.Without("ECR has not scanned the image", r.howToScan()), nil
		}
		if err != nil {
			return report, r.refused(err, as, a)
		}
		if of := out.ImageId; of == nil || aws.ToString(of.ImageDigest) != string(a.Digest) {
			return report, fault.New(fault.Unavailable, opScan, "the answer is about another image")
		}
		if err := progress(out.ImageScanStatus, said, &report); err != nil || report.Status != external.Scanned {
			return report, err
		}
		if out.ImageScanFindings == nil {
			return report, fault.New(fault.Unavailable, opScan, "ECR says that the image was scanned, and not what was found")
		}
		add(out.ImageScanFindings, said, &report)
		if aws.ToString(out.NextToken) == "" {
			return report, nil
		}
		in.NextToken = out.NextToken
	}
	report.Reason = fmt.Sprintf("there are more than the %d that were read", len(report.Vulnerabilities))
	return report, nil
}

func (r *registry) howToScan() string {
	return "Have images scanned when they are pushed: aws ecr put-registry-scanning-configuration --region " + r.from.region +
		` --scan-type BASIC --rules '[{"scanFrequency":"SCAN_ON_PUSH","repositoryFilters":[{"filter":"*","filterType":"WILDCARD"}]}]'` +
		", or with --scan-type ENHANCED by Amazon Inspector, which costs money. One image is scanned with aws ecr start-image-scan."
}

// refused explains an error of the API.
func (r *registry) refused(err error, as aws.Credentials, a external.Asking) error {
	var gone *types.ImageNotFoundException
	var missing *types.RepositoryNotFoundException
	switch {
	case errors.As(err, &gone), errors.As(err, &missing):
		return fault.New(fault.NotFound, opScan, "ECR has no %s@%s", a.Ref.Repository, a.Digest)
	}
	err = r.from.explain(call{op: opScan, what: r.repositoryARN(a.Ref.Repository), action: actionFindings, region: r.from.region, endpoint: r.from.endpoint}, err, as)
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Forbidden {
		return f.Named("ecr-findings-denied").WithFix("Add this statement to the policy of the identity: %s", statement("", r.repositoryARN(a.Ref.Repository), actionFindings))
	}
	return err
}

// progress is how far the scan has come. That of a watched image never ends.
func progress(s *types.ImageScanStatus, said func(*string) string, report *external.Report) error {
	if s == nil {
		return fault.New(fault.Unavailable, opScan, "ECR does not say how far the scan has come")
	}
	why := said(s.Description)
	switch s.Status {
	case types.ScanStatusComplete, types.ScanStatusActive:
		report.Status = external.Scanned
	case types.ScanStatusScanEligibilityExpired:
		report.Status, report.Reason = external.Scanned, "Amazon Inspector watches the image no more, since it is older than the scan duration that is set there"
	case types.ScanStatusPending, types.ScanStatusInProgress:
		report.Status, report.Reason = external.Queued, cmp.Or(why, "the scan goes on")
	case types.ScanStatusUnsupportedImage:
		report.Status, report.Reason = external.Unsupported, cmp.Or(why, "ECR cannot scan such an image")
	default:
		*report = report.Without("the scan has the status "+said((*string)(&s.Status))+": "+cmp.Or(why, "ECR does not say why"), "Look at the image in the ECR console, and start the scan again.")
	}
	return nil
}

// add takes over the findings of one page: of basic scanning, or of Inspector.
func add(page *types.ImageScanFindings, said func(*string) string, report *external.Report) {
	report.ScannedAt, report.DataFrom = page.ImageScanCompletedAt, page.VulnerabilitySourceUpdatedAt
	for _, f := range page.Findings {
		v := external.Vulnerability{ID: said(f.Name), SaidSeverity: said((*string)(&f.Severity)), Link: said(f.Uri)}
		for _, attribute := range f.Attributes {
			switch aws.ToString(attribute.Key) {
			case "package_name":
				v.Package = said(attribute.Value)
			case "package_version":
				v.Version = said(attribute.Value)
			}
		}
		report.Vulnerabilities = append(report.Vulnerabilities, v)
	}
	if len(page.EnhancedFindings) > 0 {
		report.Scanner.Name = "Amazon Inspector"
	}
	for _, f := range page.EnhancedFindings {
		d := f.PackageVulnerabilityDetails
		if d == nil { // not about a package
			continue
		}
		v := external.Vulnerability{ID: said(d.VulnerabilityId), SaidSeverity: said(f.Severity), Link: said(d.SourceUrl)}
		for _, name := range d.RelatedVulnerabilities {
			v.Aliases = append(v.Aliases, said(&name))
		}
		for _, p := range d.VulnerablePackages {
			v.Package, v.Version, v.FixedVersion = said(p.Name), said(p.Version), said(p.FixedInVersion)
			if aws.ToInt32(p.Epoch) != 0 {
				v.Version = fmt.Sprintf("%d:%s", *p.Epoch, v.Version)
			}
			if release := said(p.Release); release != "" {
				v.Version += "-" + release
			}
			if v.FixedVersion == "NotAvailable" { // which is Inspector's word for none
				v.FixedVersion = ""
			}
			report.Vulnerabilities = append(report.Vulnerabilities, v)
		}
	}
}
