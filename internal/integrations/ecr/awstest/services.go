package awstest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// registry serves ECR and ECR Public.
func (c *Cloud) registry(w http.ResponseWriter, req *http.Request, body []byte, region string) {
	service := "ecr"
	operation, private := strings.CutPrefix(req.Header.Get("X-Amz-Target"), "AmazonEC2ContainerRegistry_V20150921.")
	if !private {
		service = "ecr-public"
		operation = strings.TrimPrefix(operation, "SpencerFrontendService.")
	}
	action := service + ":" + operation
	if c.throttled() {
		refuseJSON(w, &refusal{http.StatusBadRequest, "ThrottlingException", "Rate exceeded"})
		return
	}
	isToken := operation == "GetAuthorizationToken"
	needed := ""
	if isToken {
		needed = action
	}
	who, refused := c.authenticate(req, body, region, service, needed)
	if refused == nil && !private && !slices.Contains(who.Actions, "sts:GetServiceBearerToken") {
		refused = &refusal{http.StatusBadRequest, "AccessDeniedException", "User: " + who.ARN + " is not authorized to perform: sts:GetServiceBearerToken on resource: *"}
	}
	if refused != nil {
		c.calls = append(c.calls, Call{req.URL.Host, region, action, ""})
		refuseJSON(w, refused)
		return
	}
	c.calls = append(c.calls, Call{req.URL.Host, region, action, who.ARN})
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch {
	case isToken:
		c.lend(w, who, region, private)
	case private:
		c.repository(req.Context(), w, who, region, operation, body)
	default:
		refuseJSON(w, &refusal{http.StatusBadRequest, "UnknownOperationException", ""})
	}
}

// lend gives a password.
func (c *Cloud) lend(w http.ResponseWriter, who *Principal, region string, private bool) {
	c.issued++
	password := fmt.Sprintf("password:%d", c.issued)
	if c.Password != nil {
		password = c.Password(c.issued)
	}
	life := c.Life
	if life == 0 {
		life = 12 * time.Hour
	}
	data := map[string]any{
		"authorizationToken": base64.StdEncoding.EncodeToString([]byte("AWS:" + password)),
		"expiresAt":          float64(c.now().Add(life).Unix()),
	}
	if !private {
		json.NewEncoder(w).Encode(map[string]any{"authorizationData": data})
		return
	}
	data["proxyEndpoint"] = "https://" + account(who.ARN) + ".dkr.ecr." + region + "." + suffixOf(region)
	json.NewEncoder(w).Encode(map[string]any{"authorizationData": []any{data}})
}

// repository serves what can be asked of one repository, none of which has an image or layer of the name that is asked for.
func (c *Cloud) repository(ctx context.Context, w http.ResponseWriter, who *Principal, region, operation string, body []byte) {
	var in struct {
		RegistryID      string   `json:"registryId"`
		RepositoryName  string   `json:"repositoryName"`
		RepositoryNames []string `json:"repositoryNames"`
		findingsRequest
	}
	json.Unmarshal(body, &in)
	if in.RepositoryName == "" && len(in.RepositoryNames) > 0 {
		in.RepositoryName = in.RepositoryNames[0]
	}
	arn := "arn:" + strings.Split(who.ARN, ":")[1] + ":ecr:" + region + ":" + in.RegistryID + ":repository/" + in.RepositoryName
	at := slices.IndexFunc(c.Repositories, func(r Repository) bool { return r.ARN == arn })
	action := "ecr:" + operation
	admitted := at >= 0 && slices.Contains(c.Repositories[at].Admits, account(who.ARN))
	deny := func(why string) {
		refuseJSON(w, &refusal{http.StatusBadRequest, "AccessDeniedException",
			"User: " + who.ARN + " is not authorized to perform: " + action + " on resource: " + arn + why})
	}
	switch foreign := account(who.ARN) != in.RegistryID; {
	case slices.Contains(who.Forbidden, action):
		deny(" with an explicit deny in an identity-based policy")
		return
	case foreign && !admitted:
		deny(" because no resource-based policy allows the " + action + " action")
		return
	case !slices.Contains(who.Actions, action) && (foreign || !admitted):
		deny(" because no identity-based policy allows the " + action + " action")
		return
	case at < 0:
		refuseJSON(w, &refusal{http.StatusBadRequest, "RepositoryNotFoundException",
			"The repository with name '" + in.RepositoryName + "' does not exist in the registry with id '" + in.RegistryID + "'"})
		return
	}
	switch operation {
	case "BatchGetImage":
		json.NewEncoder(w).Encode(map[string]any{"images": []any{}, "failures": []any{map[string]any{"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}}})
	case "BatchCheckLayerAvailability":
		json.NewEncoder(w).Encode(map[string]any{"layers": []any{map[string]any{"layerAvailability": "UNAVAILABLE"}}, "failures": []any{}})
	case "GetDownloadUrlForLayer":
		refuseJSON(w, &refusal{http.StatusBadRequest, "LayersNotFoundException", "The layer does not exist in the repository"})
	case "DescribeRepositories":
		json.NewEncoder(w).Encode(map[string]any{"repositories": []any{map[string]any{"repositoryName": in.RepositoryName, "repositoryArn": arn}}})
	case "DescribeImageScanFindings":
		c.findings(ctx, w, in.RegistryID, in.RepositoryName, in.findingsRequest)
	case "ListImages":
		json.NewEncoder(w).Encode(map[string]any{"imageIds": []any{map[string]any{"imageTag": "1"}}})
	default:
		refuseJSON(w, &refusal{http.StatusBadRequest, "UnknownOperationException", ""})
	}
}

func refuseJSON(w http.ResponseWriter, r *refusal) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(r.status)
	json.NewEncoder(w).Encode(map[string]any{"__type": "com.amazonaws#" + r.code, "message": r.message})
}

func account(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

func (c *Cloud) sts(w http.ResponseWriter, req *http.Request, body []byte, region string) {
	form, _ := url.ParseQuery(string(body))
	action := form.Get("Action")
	if c.throttled() {
		refuseXML(w, &refusal{http.StatusBadRequest, "Throttling", "Rate exceeded"})
		return
	}
	var who *Principal
	var refused *refusal
	if action != "AssumeRoleWithWebIdentity" {
		who, refused = c.authenticate(req, body, region, "sts", "")
	}
	call := Call{Host: req.URL.Host, Region: region, Action: "sts:" + action}
	if who != nil {
		call.By = who.ARN
	}
	c.calls = append(c.calls, call)
	if refused == nil {
		switch action {
		case "GetCallerIdentity":
			type identity struct{ Arn, UserId, Account string }
			answerXML(w, action, identity{who.ARN, who.Key, account(who.ARN)})
			return
		case "AssumeRole":
			refused = c.mayAssume(who, form)
		case "AssumeRoleWithWebIdentity":
			refused = c.mayAssumeWith(form)
		default:
			refused = &refusal{http.StatusBadRequest, "InvalidAction", "Could not find operation " + action}
		}
	}
	if refused != nil {
		refuseXML(w, refused)
		return
	}
	lent := c.session(c.role(form.Get("RoleArn")), form.Get("RoleSessionName"))
	type credentials struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }
	type assumed struct{ Credentials credentials }
	answerXML(w, action, assumed{credentials{lent.Key, lent.Secret, lent.Token, lent.Ends.UTC().Format(time.RFC3339)}})
}

func (c *Cloud) mayAssume(who *Principal, form url.Values) *refusal {
	arn := form.Get("RoleArn")
	role := c.role(arn)
	trusted := role != nil && slices.ContainsFunc(role.Trusts, func(name string) bool {
		session := strings.Replace(strings.Replace(name, ":iam:", ":sts:", 1), ":role/", ":assumed-role/", 1) + "/"
		return who.ARN == name || strings.HasPrefix(who.ARN, session)
	})
	allowed := account(who.ARN) == account(arn) || slices.Contains(who.Actions, "sts:AssumeRole")
	if !allowed {
		return &refusal{http.StatusForbidden, "AccessDenied", fmt.Sprintf(
			"User: %s is not authorized to perform: sts:AssumeRole on resource: %s because no identity-based policy allows the sts:AssumeRole action", who.ARN, arn)}
	}
	if form.Get("RoleSessionName") == "" || !trusted || (role.ExternalID != "" && role.ExternalID != form.Get("ExternalId")) {
		return &refusal{http.StatusForbidden, "AccessDenied", fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", who.ARN, arn)}
	}
	return nil
}

func (c *Cloud) mayAssumeWith(form url.Values) *refusal {
	token, ok := c.WebTokens[form.Get("WebIdentityToken")]
	role := c.role(form.Get("RoleArn"))
	switch {
	case !ok:
		return &refusal{http.StatusBadRequest, "InvalidIdentityToken", "No OpenIDConnect provider found in your account"}
	case !c.now().Before(token.Ends):
		return &refusal{http.StatusBadRequest, "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time"}
	case role == nil || role.Subject != token.Subject:
		return &refusal{http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	}
	return nil
}

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

func answerXML(w http.ResponseWriter, action string, result any) {
	inner, _ := xml.Marshal(result)
	text := string(inner)
	text = text[strings.IndexByte(text, '>')+1 : strings.LastIndexByte(text, '<')]
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<%sResponse xmlns="%s"><%sResult>%s</%sResult></%sResponse>`, action, stsNamespace, action, text, action, action)
}

func refuseXML(w http.ResponseWriter, r *refusal) {
	var message strings.Builder
	xml.EscapeText(&message, []byte(r.message))
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(r.status)
	fmt.Fprintf(w, `<ErrorResponse xmlns="%s"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`,
		stsNamespace, r.code, message.String())
}

// metadata is EC2's metadata service, or a proxy in its place.
func (c *Cloud) metadata(w http.ResponseWriter, req *http.Request) {
	const roles = "/latest/meta-data/iam/security-credentials/"
	in := c.Instance
	token := fmt.Sprint("metadata-token-", c.tokens)
	switch {
	case in.Forbidden:
		w.WriteHeader(http.StatusForbidden)
	case req.Method == http.MethodPut && in.FirstOnly:
		w.WriteHeader(http.StatusNotFound)
	case req.Method == http.MethodPut && req.URL.Path == "/latest/api/token" && req.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
		c.tokens++
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		fmt.Fprint(w, "metadata-token-", c.tokens)
	case req.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case !in.FirstOnly && (c.tokens == 0 || req.Header.Get("X-Aws-Ec2-Metadata-Token") != token):
		w.WriteHeader(http.StatusUnauthorized)
	case in.Role == "" || !strings.HasPrefix(req.URL.Path, roles):
		w.WriteHeader(http.StatusNotFound)
	case req.URL.Path == roles:
		fmt.Fprint(w, baseName(in.Role))
	case req.URL.Path == roles+baseName(in.Role):
		lent := c.session(c.role(in.Role), "i-0123456789abcdef0")
		json.NewEncoder(w).Encode(map[string]any{
			"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": lent.Key, "SecretAccessKey": lent.Secret, "Token": lent.Token,
			"Expiration": lent.Ends.UTC().Format(time.RFC3339), "LastUpdated": c.now().UTC().Format(time.RFC3339),
		})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func baseName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// containerAgent is that of ECS or EKS Pod Identity.
func (c *Cloud) containerAgent(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if want := c.Container[req.URL.String()]; req.Header.Get("Authorization") != want {
		w.WriteHeader(http.StatusUnauthorized)
		json.NewEncoder(w).Encode(map[string]string{"code": "InvalidTokenException", "message": "The token is not valid"})
		return
	}
	role := c.role(c.TaskRole)
	if role == nil {
		w.WriteHeader(http.StatusNotFound)
		json.NewEncoder(w).Encode(map[string]string{"code": "ResourceNotFoundException", "message": "There is no association"})
		return
	}
	lent := c.session(role, "container")
	json.NewEncoder(w).Encode(map[string]any{
		"AccessKeyId": lent.Key, "SecretAccessKey": lent.Secret, "Token": lent.Token,
		"Expiration": lent.Ends.UTC().Format(time.RFC3339),
	})
}
