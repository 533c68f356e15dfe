package rhacs

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Encode writes a message as RHACS's REST calls do: zero values included, 64-bit integers as text.
func Encode(m proto.Message) ([]byte, error) {
	b, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "write answer", "", err)
	}
	return b, nil
}

// Decode reads the body of such a call: keys in lowerCamelCase or snake_case, unknown ones ignored. Its errors do not repeat what
// was sent.
func Decode(body []byte, m proto.Message) error {
	if len(body) == 0 {
		return nil
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, m); err != nil {
		return malformed()
	}
	return nil
}

func malformed() error {
	return fault.New(fault.Invalid, "read request", "the body is not the JSON that is expected here").
		WithFix("Send a JSON object with the keys and types that RHACS's API has.")
}
