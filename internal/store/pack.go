package store

import (
	"github.com/klauspost/compress/zstd"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// maxUnpacked bounds what one stored value may unpack to.
const maxUnpacked = 256 << 20

// A packer compresses values one at a time, to stay small.
type packer struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func newPacker() (*packer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "prepare compression", "", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "prepare compression", "", err)
	}
	return &packer{encoder, decoder}, nil
}

func (p *packer) pack(op, what string, plain []byte) ([]byte, error) {
	if len(plain) > maxUnpacked {
		return nil, fault.New(fault.Invalid, op, "%s is larger than %d MiB", what, maxUnpacked>>20)
	}
	return p.encoder.EncodeAll(plain, nil), nil
}

func (p *packer) unpack(op, what string, packed []byte) ([]byte, error) {
	plain, err := p.decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, what+" is damaged in the database", err)
	}
	return plain, nil
}

func (p *packer) close() {
	p.encoder.Close()
	p.decoder.Close()
}
