package scan

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// rpmDatabases are the file names of the three formats rpm has used, newest first.
var rpmDatabases = []string{"rpmdb.sqlite", "Packages.db", "Packages"}

func isRPMDatabase(p string) bool { return strings.HasSuffix(path.Dir(p), "/rpm") }

// maxRPMHeader bounds one package's header; those of packages with a hundred thousand files have a few MiB.
const maxRPMHeader = 64 << 20

var errRPMFormat = errors.New("not an rpm database that can be read")

// readRPM reads a package database in place, without a database engine: what lies in an image may be made to harm one.
func readRPM(ctx context.Context, c *content, f *found) error {
	if c.size == 0 {
		return nil
	}
	start, err := c.start(32)
	if err != nil {
		return err
	}
	each := func(header []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if rpmHeader(header, f) != nil {
			f.dropped++
		}
		return nil
	}
	switch {
	case bytes.HasPrefix(start, []byte("SQLite format 3\x00")):
		return sqliteRows(c, c.size, "Packages", each)
	case bytes.HasPrefix(start, []byte("RpmP")):
		return ndbBlobs(c, c.size, each)
	}
	return bdbValues(c, c.size, each)
}

const (
	rpmName       = 1000
	rpmVersion    = 1001
	rpmRelease    = 1002
	rpmEpoch      = 1003
	rpmVendor     = 1011
	rpmLicense    = 1014
	rpmArch       = 1022
	rpmSource     = 1044
	rpmDirIndexes = 1116
	rpmBaseNames  = 1117
	rpmDirNames   = 1118
	rpmModule     = 5096
)

// rpmHeader reads a package header: two lengths, an index of 16-byte entries (tag, type, offset, count), and the data.
func rpmHeader(b []byte, f *found) error {
	if len(b) < 8 {
		return errRPMFormat
	}
	entries, size := int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))
	if entries*16+size+8 > int64(len(b)) {
		return errRPMFormat
	}
	index, data := b[8:8+entries*16], b[8+entries*16:8+entries*16+size]
	at := map[uint32][]byte{}
	counts := map[uint32]uint32{}
	for ; len(index) >= 16; index = index[16:] {
		tag, offset := binary.BigEndian.Uint32(index), binary.BigEndian.Uint32(index[8:])
		if int64(offset) < int64(len(data)) {
			at[tag], counts[tag] = data[offset:], binary.BigEndian.Uint32(index[12:])
		}
	}
	str := func(tag uint32) string {
		s, _, _ := bytes.Cut(at[tag], []byte{0})
		return string(s[:min(len(s), maxLine)])
	}
	name, version := str(rpmName), str(rpmVersion)
	if name == "" || version == "" {
		return fmt.Errorf("%w: a package without name or version", errRPMFormat)
	}
	if name == "gpg-pubkey" {
		return nil // a key that rpm trusts, no software
	}
	if r := str(rpmRelease); r != "" {
		version += "-" + r
	}
	epoch := ""
	if e := at[rpmEpoch]; len(e) >= 4 {
		if n := binary.BigEndian.Uint32(e); n > 0 {
			epoch = strconv.FormatUint(uint64(n), 10) + ":"
		}
	}
	p := Component{
		Type: purl.TypeRPM, Name: name, Version: epoch + version, Architecture: str(rpmArch), Module: str(rpmModule), Licenses: licenses(str(rpmLicense)),
	}
	for _, field := range []*string{&p.Architecture, &p.Module} {
		if *field == "(none)" {
			*field = ""
		}
	}
	if s := sourceRPM(str(rpmSource)); s != nil {
		p.SourceName, p.SourceVersion = s[0], epoch+s[1]
	}
	f.add(p)
	if rpmFromDistribution(str(rpmVendor)) {
		dirs := rpmStrings(at[rpmDirNames], counts[rpmDirNames])
		where := at[rpmDirIndexes]
		for i, base := range rpmStrings(at[rpmBaseNames], counts[rpmBaseNames]) {
			if len(where) < 4*i+4 {
				break
			}
			if d := binary.BigEndian.Uint32(where[4*i:]); int64(d) < int64(len(dirs)) {
				f.own(dirs[d] + base)
			}
		}
	}
	return nil
}

// maxRPMFiles bounds the files of one package that are looked at.
const maxRPMFiles = 1 << 20

func rpmStrings(b []byte, n uint32) []string {
	var list []string
	for n = min(n, maxRPMFiles); n > 0 && len(b) > 0; n-- {
		s, rest, _ := bytes.Cut(b, []byte{0})
		list, b = append(list, string(s)), rest
	}
	return list
}

// sourceRPM splits "openssl-3.0.7-24.el9.src.rpm" into name and version-release.
func sourceRPM(file string) []string {
	s := strings.TrimSuffix(strings.TrimSuffix(file, ".rpm"), ".src")
	s = strings.TrimSuffix(s, ".nosrc")
	release := strings.LastIndexByte(s, '-')
	if release <= 0 {
		return nil
	}
	version := strings.LastIndexByte(s[:release], '-')
	if version <= 0 {
		return nil
	}
	return []string{s[:version], s[version+1:]}
}

var rpmVendors = []string{
	"red hat", "fedora project", "centos", "almalinux", "rocky", "suse", "amazon", "oracle america", "microsoft corporation",
	"vmware", "openeuler", "mageia",
}

// rpmFromDistribution tells packages whose advisories cover everything inside them from packages of third parties.
func rpmFromDistribution(vendor string) bool {
	vendor = strings.ToLower(vendor)
	return slices.ContainsFunc(rpmVendors, func(v string) bool { return strings.Contains(vendor, v) })
}
