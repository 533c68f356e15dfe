package diagnosis

// IsFinding reports whether anything is found under the name.
func IsFinding(name string) bool { _, ok := findings[name]; return ok }
