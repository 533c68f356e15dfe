package integration

// Insecure is the setting "insecure" of every type that has it.
func Insecure() Field {
	return Field{
		Name: "insecure", Label: "Disable TLS certificate validation (insecure)", Kind: Toggle,
		Help: "The connection can then be intercepted, credentials included.",
	}
}
