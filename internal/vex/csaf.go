package vex

import "time"

// csafBranch is a part of the tree of products.
type csafBranch struct {
	Branches []csafBranch `json:"branches"`
	Product  *csafProduct `json:"product"`
}

type csafProduct struct {
	ID     string `json:"product_id"`
	Helper struct {
		PURL   string   `json:"purl"`
		PURLs  []string `json:"purls"`
		Hashes []struct {
			Hashes []struct {
				Algorithm string `json:"algorithm"`
				Value     string `json:"value"`
			} `json:"file_hashes"`
		} `json:"hashes"`
	} `json:"product_identification_helper"`
}

// csafReason is a flag or a threat: something said of some products.
type csafReason struct {
	Category string   `json:"category"`
	Label    string   `json:"label"`
	Details  string   `json:"details"`
	Products []string `json:"product_ids"`
}

func parseCSAF(body []byte) (*Document, error) {
	var in struct {
		Document struct {
			Category  string `json:"category"`
			Publisher struct {
				Name string `json:"name"`
			} `json:"publisher"`
			Tracking struct {
				ID      string    `json:"id"`
				Current time.Time `json:"current_release_date"`
			} `json:"tracking"`
		} `json:"document"`
		Tree struct {
			Branches      []csafBranch  `json:"branches"`
			Products      []csafProduct `json:"full_product_names"`
			Relationships []struct {
				Category string      `json:"category"`
				Part     string      `json:"product_reference"`
				Whole    string      `json:"relates_to_product_reference"`
				Product  csafProduct `json:"full_product_name"`
			} `json:"relationships"`
		} `json:"product_tree"`
		Vulnerabilities []struct {
			CVE string `json:"cve"`
			IDs []struct {
				Text string `json:"text"`
			} `json:"ids"`
			Status  map[string][]string `json:"product_status"`
			Flags   []csafReason        `json:"flags"`
			Threats []csafReason        `json:"threats"`
		} `json:"vulnerabilities"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if in.Document.Category != "csaf_vex" {
		return nil, invalid("its category is %q, not csaf_vex", in.Document.Category).WithFix("Give a CSAF document of the profile VEX.")
	}
	d := &Document{ID: in.Document.Tracking.ID, Format: "CSAF", Author: in.Document.Publisher.Name, Timestamp: in.Document.Tracking.Current}
	known := map[string]target{}
	add := func(p csafProduct) { known[p.ID] = p.target() }
	for _, p := range in.Tree.Products {
		add(p)
	}
	csafBranches(in.Tree.Branches, maxDepth, add)
	// What both are must be known: a part of something that cannot be compared may be another one elsewhere.
	type relation struct{ whole, part target }
	related := map[string]relation{}
	for _, r := range in.Tree.Relationships {
		related[r.Product.ID] = relation{known[r.Whole], known[r.Part]}
	}
	claims := 0
	for _, v := range in.Vulnerabilities {
		names := nonempty(v.CVE)
		for _, id := range v.IDs {
			names = append(names, nonempty(id.Text)...)
		}
		flags, impacts := map[string]string{}, map[string]string{}
		for _, f := range v.Flags {
			f.explain(flags, f.Label)
		}
		for _, t := range v.Threats {
			if t.Category == "impact" {
				t.explain(impacts, t.Details)
			}
		}
		for key, status := range csafStatus {
			// A statement for each reason, since products may have different ones.
			said := map[[2]string]*Statement{}
			for _, id := range v.Status[key] {
				if claims++; claims > maxClaims {
					return nil, errTooMany()
				}
				why := [2]string{flags[id], impacts[id]}
				s := said[why]
				if s == nil {
					s = &Statement{Status: status, Justification: why[0], Detail: why[1], Timestamp: d.Timestamp, vulnerabilities: names}
					said[why] = s
				}
				if r, ok := related[id]; ok {
					s.about(r.whole, r.part)
				} else {
					s.about(known[id])
				}
			}
			for _, s := range said {
				d.Statements = append(d.Statements, *s)
			}
		}
	}
	return d, nil
}

var csafStatus = map[string]Status{
	"fixed": Fixed, "known_not_affected": NotAffected, "known_affected": Affected, "under_investigation": UnderInvestigation,
}

// explain keeps the first text for each product.
func (r csafReason) explain(texts map[string]string, text string) {
	for _, id := range r.Products {
		if texts[id] == "" {
			texts[id] = text
		}
	}
}

func csafBranches(list []csafBranch, depth int, add func(csafProduct)) {
	for _, b := range list {
		if b.Product != nil {
			add(*b.Product)
		}
		if depth > 0 {
			csafBranches(b.Branches, depth-1, add)
		}
	}
}

func (p csafProduct) target() (t target) {
	for _, purl := range append(p.Helper.PURLs, p.Helper.PURL) {
		t.name(purl)
	}
	for _, h := range p.Helper.Hashes {
		for _, f := range h.Hashes {
			t.hash(f.Algorithm, f.Value)
		}
	}
	return t
}
