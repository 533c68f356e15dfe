package feed

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
)

// announced are the checksums that a server gave, in base64.
type announced struct {
	CRC32C string `json:"crc32c,omitempty"`
	MD5    string `json:"md5,omitempty"`
}

type sums struct {
	announced
	crc  uint32
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksums are those of the whole file: X-Goog-Hash of Cloud Storage, else Content-MD5. What the server stores compressed and
// sends otherwise has none that could be compared.
func checksums(resp *http.Response) *sums {
	s := &sums{}
	stored := resp.Header.Get("X-Goog-Stored-Content-Encoding")
	if stored != "" && stored != "identity" && resp.Header.Get("Content-Encoding") != stored {
		return s
	}
	for _, line := range resp.Header.Values("X-Goog-Hash") {
		for field := range strings.SplitSeq(line, ",") {
			switch name, value, _ := strings.Cut(strings.TrimSpace(field), "="); name {
			case "crc32c":
				s.CRC32C = value
			case "md5":
				s.MD5 = value
			}
		}
	}
	if s.CRC32C == "" && s.MD5 == "" && resp.StatusCode == http.StatusOK {
		s.MD5 = resp.Header.Get("Content-MD5")
	}
	return s
}

func (s *sums) write(b []byte) {
	if s.CRC32C != "" {
		s.crc = crc32.Update(s.crc, castagnoli, b)
	}
	if s.MD5 != "" {
		if s.hash == nil {
			s.hash = md5.New()
		}
		s.hash.Write(b)
	}
}

func (s *sums) verify() error {
	if s.CRC32C != "" && base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, s.crc)) != s.CRC32C {
		return errBytes
	}
	if s.MD5 == "" {
		return nil
	}
	s.write(nil)
	if base64.StdEncoding.EncodeToString(s.hash.Sum(nil)) != s.MD5 {
		return errBytes
	}
	return nil
}
