package integration

// CheckBasic is the Check of types whose fields username and password mean something only together.
func CheckBasic(c Config, _ []Category) []Problem {
	username, password := c.Text("username") != "", c.Secret("password").IsSet()
	switch {
	case password && !username:
		return []Problem{{Field: "username", Message: "A username is required if the integration has a password"}}
	case username && !password:
		return []Problem{{Field: "password", Message: "A password is required if the integration has a username"}}
	}
	return nil
}

// OpenSignedIn is OpenBasic for servers that may serve anybody and then never ask for a credential: they are sent it unasked,
// so that a wrong one is refused and what is not for anybody is found.
func OpenSignedIn(c Config, deps Deps) (Registry, error) {
	r, err := OpenBasic(c, deps)
	if err != nil {
		return nil, err
	}
	r.(*basic).endpoint.SignInFirst = true
	return r, nil
}
