package policy

import "regexp"

var (
	// Credentials whose form says what they are, and addresses with a password in them.
	credential = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY` +
		`|\b(AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}|\bAccountKey=[0-9A-Za-z+/]{40}` +
		`|\bgh[oprsu]_[0-9A-Za-z]{36}|\bgithub_pat_[0-9A-Za-z_]{50}|\bglpat-[0-9A-Za-z_-]{20}` +
		`|\bnpm_[0-9A-Za-z]{36}|\bpypi-AgEI[0-9A-Za-z_-]{50}|\bdckr_pat_[0-9A-Za-z_-]{20}` +
		`|\bxox[abeprs]-[0-9A-Za-z-]{10}|\b[rs]k_live_[0-9A-Za-z]{20}|\bsk-ant-[0-9A-Za-z_-]{20}` +
		`|\bhvs\.[0-9A-Za-z_-]{20}|\bSG\.[0-9A-Za-z_-]{16,64}\.[0-9A-Za-z_-]{16}`)
	passwordInAddress = regexp.MustCompile(`(?i)://[^/\s:@]*:[^/\s:@${<*]{3,}@`)
	exampleInAddress  = regexp.MustCompile(`(?i)://[^/\s:@]*:(pass|password|secret|token|x+)@`)

	secretName = regexp.MustCompile(`(?i)(password|passwd|passphrase|(^|[_.-])pass|secret|token|credentials?)$` +
		`|(?i)(api|access|private|secret|encryption|signing)[_.-]?key$`)
	placeholder = regexp.MustCompile(`(?i)^(true|false|yes|no|none|null|redacted|masked|placeholder|[x*]*|[0-9]{1,3})$`)
	elsewhere   = regexp.MustCompile(`(?i)^([/$<{*%]|(file|https?|vault|op|arn|env|ref\+[a-z]+):|projects/)`)
)

// looksSecret says whether a setting looks like a password, a token or a key: by its value alone, or by its name and a value
// that is neither a placeholder nor says where the secret is.
func looksSecret(name, value string) bool {
	return credential.MatchString(value) ||
		passwordInAddress.MatchString(value) && !exampleInAddress.MatchString(value) ||
		secretName.MatchString(name) && !placeholder.MatchString(value) && !elsewhere.MatchString(value)
}
