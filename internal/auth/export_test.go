package auth

// Hold keeps every password from being hashed until release is called.
func (s *Service) Hold() (release func()) {
	s.hashing.turn <- struct{}{}
	return func() { <-s.hashing.turn }
}

// Waiting is how many sign-ins wait for their turn.
func (s *Service) Waiting() int { return len(s.hashing.queue) }

const MaxQueue = maxQueue

var (
	Matches  = matches
	Generate = generate
	Hash     = hash
)
