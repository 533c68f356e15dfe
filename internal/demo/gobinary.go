package demo

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// goBinary is the smallest ELF file from which Go's build information can be read: one writable segment that holds it,
// in the layout of debug/buildinfo with inline strings. It cannot run, and need not.
func goBinary(goVersion, path, version string, modules ...[2]string) []byte {
	var mod strings.Builder
	mod.WriteString("path\t" + path + "\nmod\t" + path + "\t" + version + "\t\n")
	for _, m := range modules {
		mod.WriteString("dep\t" + m[0] + "\t" + m[1] + "\t\n")
	}
	mod.WriteString("build\tCGO_ENABLED=0\nbuild\tGOARCH=amd64\nbuild\tGOOS=linux\n")
	// The module text stands between two markers of 16 bytes each.
	start, _ := hex.DecodeString("3077af0c9274080241e1c107e6d618e6")
	end, _ := hex.DecodeString("f932433186182072008242104116d8f2")

	info := make([]byte, 32)
	copy(info, "\xff Go buildinf:")
	info[14], info[15] = 8, 2 // pointer size; little endian with inline strings
	for _, s := range []string{goVersion, string(start) + mod.String() + string(end)} {
		info = binary.AppendUvarint(info, uint64(len(s)))
		info = append(info, s...)
	}

	const headers, address = 64 + 56, 0x400000
	offset := uint64(128)
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9))
	for _, field := range []any{
		uint16(2), uint16(62), uint32(1), uint64(address), uint64(64), uint64(0), uint32(0), // executable, x86-64
		uint16(64), uint16(56), uint16(1), uint16(64), uint16(0), uint16(0),
		uint32(1), uint32(6), offset, uint64(address), uint64(address), uint64(len(info)), uint64(len(info)), uint64(16), // one segment, readable and writable
	} {
		_ = binary.Write(&b, binary.LittleEndian, field)
	}
	b.Write(make([]byte, offset-headers))
	b.Write(info)
	return b.Bytes()
}
