package integration

// A Grant is one way to sign in that a type proposes, and the least that the registry's owner has to allow for it.
type Grant struct {
	Method   string         `json:"method"` // what it is called, such as "Robot account"
	Settings map[string]any `json:"-"`      // by declared name: what the method sets, beside what the host gives away
	Fill     []string       `json:"-"`      // declared names of what a person has to enter for it

	Summary   string     `json:"summary"`                    // when it fits, and the permission to ask for
	Documents []Document `json:"documents" nullable:"false"` // texts to paste where the steps say
	Steps     []string   `json:"steps" nullable:"false"`
}

// A Document is text that is ready to paste, such as a policy. What only its reader knows is in capital letters.
type Document struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}
