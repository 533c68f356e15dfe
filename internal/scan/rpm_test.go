package scan

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// rpmHeaderOf is a package header as rpm stores it.
func rpmHeaderOf(name, version, release string, epoch uint32, files ...string) []byte {
	var index, data bytes.Buffer
	add := func(tag, kind, count uint32, b []byte) {
		for _, v := range []uint32{tag, kind, uint32(data.Len()), count} {
			_ = binary.Write(&index, binary.BigEndian, v)
		}
		data.Write(b)
	}
	str := func(tag uint32, s string) { add(tag, 6, 1, []byte(s+"\x00")) }
	if epoch > 0 {
		add(rpmEpoch, 4, 1, binary.BigEndian.AppendUint32(nil, epoch))
	}
	str(rpmName, name)
	str(rpmVersion, version)
	str(rpmRelease, release)
	str(rpmVendor, "Red Hat, Inc.")
	str(rpmLicense, "GPLv3+")
	str(rpmArch, "x86_64")
	if name == "nodejs" {
		str(rpmModule, "nodejs:18:9030020231222184607:rhel9")
	}
	str(rpmSource, strings.TrimSuffix(name, "-libs")+"-"+version+"-"+release+".src.rpm")
	if len(files) > 0 {
		var dirs, bases, where []byte
		for i, p := range files {
			d, b := filepath.Split(p)
			dirs, bases = append(dirs, d+"\x00"...), append(bases, b+"\x00"...)
			where = binary.BigEndian.AppendUint32(where, uint32(i))
		}
		add(rpmDirIndexes, 4, uint32(len(files)), where)
		add(rpmBaseNames, 8, uint32(len(files)), bases)
		add(rpmDirNames, 8, uint32(len(files)), dirs)
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(index.Len()/16))
	head = binary.BigEndian.AppendUint32(head, uint32(data.Len()))
	return slices.Concat(head, index.Bytes(), data.Bytes())
}

// sqliteOf is a database written by SQLite itself.
func sqliteOf(t testing.TB, headers ...[]byte) []byte {
	t.Helper()
	p := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	db, err := sql.Open("sqlite", p)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
	exec("CREATE TABLE 'Name' (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
	exec("BEGIN")
	for _, h := range headers {
		exec("INSERT INTO Packages (blob) VALUES (?)", h)
	}
	exec("COMMIT")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ndbOf(headers ...[]byte) []byte {
	le := binary.LittleEndian
	page := append([]byte("RpmP"), make([]byte, 28)...)
	le.PutUint32(page[12:], 1)
	var blobs []byte
	for i := range (4096 - 32) / 16 {
		slot := append([]byte("Slot"), make([]byte, 12)...)
		if i < len(headers) {
			for len(blobs)%16 != 0 {
				blobs = append(blobs, 0)
			}
			le.PutUint32(slot[4:], uint32(i+1))
			le.PutUint32(slot[8:], uint32((4096+len(blobs))/16))
			blob := append([]byte("BlbS"), make([]byte, 12)...)
			le.PutUint32(blob[4:], uint32(i+1))
			le.PutUint32(blob[12:], uint32(len(headers[i])))
			blobs = append(append(blobs, blob...), headers[i]...)
		}
		page = append(page, slot...)
	}
	return append(page, blobs...)
}

// bdbOf is a Berkeley DB hash with one page of entries, and overflow pages of 512 bytes.
func bdbOf(header []byte, order binary.ByteOrder) []byte {
	const size = 512
	meta, hash := make([]byte, size), make([]byte, size)
	order.PutUint32(meta[12:], bdbHashMagic)
	order.PutUint32(meta[20:], size)
	meta[25] = 8
	hash[25] = bdbHash
	order.PutUint16(hash[20:], 4)
	for i, at := range []uint16{500, 480, 460, 440} { // key, value that is no package, key, package
		order.PutUint16(hash[bdbPageHead+2*i:], at)
	}
	hash[480] = 1
	hash[440] = bdbOffPage
	order.PutUint32(hash[444:], 2)
	order.PutUint32(hash[448:], uint32(len(header)))
	all := append(meta, hash...)
	for n := uint32(3); len(header) > 0; n++ {
		p := make([]byte, size)
		p[25] = bdbOverflow
		used := copy(p[bdbPageHead:], header)
		order.PutUint16(p[22:], uint16(used))
		if header = header[used:]; len(header) > 0 {
			order.PutUint32(p[16:], n)
		}
		all = append(all, p...)
	}
	return all
}

const alma = "ID=\"almalinux\"\nVERSION_ID=\"9.3\"\nNAME=\"AlmaLinux\"\n"

func TestRPM(t *testing.T) {
	var headers [][]byte
	for _, n := range []string{"bash", "openssl-libs", "gpg-pubkey"} {
		headers = append(headers, rpmHeaderOf(n, "3.0.7", "24.el9", map[string]uint32{"openssl-libs": 1}[n], "/usr/lib/"+n+"/x.jar", "/etc/"+strings.Repeat("long", 2000)))
	}
	for name, body := range map[string][]byte{
		"rpmdb.sqlite": sqliteOf(t, headers...),
		"Packages.db":  ndbOf(headers...),
	} {
		t.Run(name, func(t *testing.T) {
			p := "usr/lib/sysimage/rpm/" + name
			r := scanned(t, layer(t, file("etc/os-release", alma), file(p, string(body)), symlink("var/lib/rpm", "../../usr/lib/sysimage/rpm"),
				file("usr/lib/bash/x.jar", zipOf(t, map[string]string{"META-INF/pom.properties": pomOf("g", "owned", "1")}))))
			expect(t, r, "rpm bash 3.0.7-24.el9 @0 /"+p, "rpm openssl-libs 1:3.0.7-24.el9 @0 /"+p)
			expectComplete(t, r)
			c := component(t, r, "openssl-libs")
			if c.SourceName != "openssl" || c.SourceVersion != "" || c.Ecosystem != "AlmaLinux:9" || c.Architecture != "x86_64" ||
				c.PURL != "pkg:rpm/almalinux/openssl-libs@3.0.7-24.el9?arch=x86_64&distro=almalinux-9.3&epoch=1" {
				t.Errorf("%+v", c)
			}
		})
	}
	t.Run("Packages", func(t *testing.T) {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			r := scanned(t, layer(t, file("var/lib/rpm/Packages", string(bdbOf(headers[1], order)))))
			expect(t, r, "rpm openssl-libs 1:3.0.7-24.el9 @0 /var/lib/rpm/Packages")
			expectComplete(t, r)
		}
	})
	t.Run("many_packages_on_many_pages", func(t *testing.T) {
		var many [][]byte
		for i := range 500 {
			many = append(many, rpmHeaderOf("p"+strings.Repeat("x", i), "1", "1", 0))
		}
		r := scanned(t, layer(t, file("var/lib/rpm/rpmdb.sqlite", string(sqliteOf(t, many...)))))
		if len(r.Components) != 500 {
			t.Errorf("%d components, %v", len(r.Components), r.Notes)
		}
	})
	t.Run("package_of_a_later_layer", func(t *testing.T) {
		r := scanned(t, layer(t, file("var/lib/rpm/rpmdb.sqlite", string(sqliteOf(t, headers[0])))),
			layer(t, file("var/lib/rpm/rpmdb.sqlite", string(sqliteOf(t, headers[0], headers[1])))))
		expect(t, r, "rpm bash 3.0.7-24.el9 @0 /var/lib/rpm/rpmdb.sqlite", "rpm openssl-libs 1:3.0.7-24.el9 @1 /var/lib/rpm/rpmdb.sqlite")
	})
	t.Run("package_of_a_module", func(t *testing.T) {
		r := scanned(t, layer(t, file("var/lib/rpm/rpmdb.sqlite", string(sqliteOf(t, headers[0], rpmHeaderOf("nodejs", "18.19.0", "1.el9", 1))))))
		if c := component(t, r, "nodejs"); c.Module != "nodejs:18:9030020231222184607:rhel9" {
			t.Errorf("%+v", c)
		}
		if c := component(t, r, "bash"); c.Module != "" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("damaged", func(t *testing.T) {
		for name, b := range map[string][]byte{
			"garbage":   bytes.Repeat([]byte("x"), 1000),
			"truncated": sqliteOf(t, headers...)[:4096],
			"other_table": func() []byte {
				b := sqliteOf(t, headers...)
				return bytes.ReplaceAll(b, []byte("Packages"), []byte("Pockages"))
			}(),
			"loop": func() []byte {
				b := bdbOf(headers[1], binary.LittleEndian)
				binary.LittleEndian.PutUint32(b[2*512+16:], 2)      // the overflow page leads to itself
				binary.LittleEndian.PutUint32(b[512+448:], 1<<31-1) // and the package claims to be huge
				return b
			}(),
		} {
			r := scanned(t, layer(t, file("var/lib/rpm/rpmdb.sqlite", string(b))))
			if r.Status != Partial || len(r.Notes) != 1 {
				t.Errorf("%s: %+v", name, r)
			}
		}
	})
}
