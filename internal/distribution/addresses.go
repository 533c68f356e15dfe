package distribution

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Addresses are what an operator allows to be connected to, besides public addresses. Names are judged by what they resolve
// to, at the moment of connecting. Link-local addresses, those of clouds' metadata services and this machine's own are
// refused. Private networks are allowed for an integration's own host, and for other hosts that a registry names (its token
// service, where its layers are) if the registry is in a private network itself: one that is public must not send anybody
// into it. What the fields name is allowed in every case.
//
// Behind a proxy only addresses that are written as such can be judged: names are resolved by the proxy, which should have
// rules of its own. Which IPv6 addresses a network maps to IPv4 by a prefix of its own cannot be known.
type Addresses struct {
	Loopback bool           // this machine
	Private  bool           // private networks, whoever names them
	Networks []netip.Prefix // whatever is inside
}

// ParseAddresses reads "loopback", "private" and networks such as 10.1.0.0/16, with commas in between.
func ParseAddresses(s string) (Addresses, error) {
	var a Addresses
	for word := range strings.SplitSeq(s, ",") {
		switch word = strings.TrimSpace(word); strings.ToLower(word) {
		case "":
		case "loopback":
			a.Loopback = true
		case "private":
			a.Private = true
		default:
			network, err := netip.ParsePrefix(word)
			if err != nil {
				var addr netip.Addr
				if addr, err = netip.ParseAddr(word); err == nil {
					network, err = addr.Prefix(addr.BitLen())
				}
			}
			if err != nil {
				return Addresses{}, fault.New(fault.Invalid, "read allowed addresses", "%q is neither a word that is known nor a network", clean(word, 60)).
					WithFix("Write loopback, private, or networks such as 10.1.0.0/16, with commas in between.")
			}
			a.Networks = append(a.Networks, network)
		}
	}
	return a, nil
}

// An AddressError is an address that must not be connected to.
type AddressError struct {
	Addr  netip.Addr
	Why   string // "is a link-local address", ...
	Allow string // what the operator would allow it with
}

func (e *AddressError) Error() string {
	return "connection not allowed: " + e.Addr.String() + " " + e.Why
}

// Fix says which setting allows it.
func (e *AddressError) Fix() string {
	return "Check what is configured, and what its name resolves to. If this address is meant, the operator of the server allows it with --allow-addresses " +
		e.Allow + " (LANDWAITER_ALLOW_ADDRESSES)."
}

// Allow returns an *AddressError if an address must not be connected to. fromOutside says that a registry outside of private
// networks names it.
func (a Addresses) Allow(addr netip.Addr, fromOutside bool) error {
	to := destination(addr)
	refused := func(why string) error {
		return &AddressError{Addr: addr, Why: why, Allow: netip.PrefixFrom(to, to.BitLen()).String()}
	}
	switch {
	case within(a.Networks, to), within(a.Networks, addr.Unmap().WithZone("")):
	case within(unspecifiedAddresses, to):
		return refused("is not the address of any server")
	case within(metadataAddresses, to):
		return refused("is a link-local address or a cloud's metadata service, which gives away this machine's own credentials")
	case to.IsLoopback() && !a.Loopback:
		return &AddressError{Addr: addr, Why: "is this machine itself (loopback), whose programs trust such connections", Allow: "loopback"}
	case fromOutside && !a.Private && within(privateAddresses, to):
		return &AddressError{Addr: addr, Why: "is in a private network, and a registry that is not names it", Allow: "private"}
	}
	return nil
}

// IsMetadata reports whether an address is link-local or a cloud's metadata service.
func IsMetadata(addr netip.Addr) bool { return within(metadataAddresses, destination(addr)) }

// isInside reports whether an address is in a private network or this machine's own.
func isInside(addr netip.Addr) bool {
	to := destination(addr)
	return to.IsLoopback() || within(privateAddresses, to)
}

func within(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func prefixes(list ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(list))
	for i, p := range list {
		parsed[i] = netip.MustParsePrefix(p)
	}
	return parsed
}

var (
	unspecifiedAddresses = prefixes("0.0.0.0/8")
	// metadataAddresses give out a machine's own cloud credentials, or lie on the link where such services are put.
	metadataAddresses = prefixes(
		"169.254.0.0/16", "fe80::/10",
		"fd00:ec2::/32",      // AWS
		"fd20:ce::/32",       // Google
		"100.100.100.200/32", // Alibaba
		"168.63.129.16/32",   // Azure
		"192.0.0.192/32",     // Oracle
	)
	privateAddresses = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
)

// embedding are the IPv6 prefixes whose addresses hold an IPv4 address that a gateway may deliver to, from a byte on.
var embedding = []struct {
	prefix   netip.Prefix
	from     int
	inverted bool
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12, false},   // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12, false}, // NAT64 of a site's own
	{netip.MustParsePrefix("2002::/16"), 2, false},       // 6to4
	{netip.MustParsePrefix("2001::/32"), 12, true},       // Teredo
	{netip.MustParsePrefix("::/96"), 12, false},          // IPv4-compatible
}

// destination is the address that connections to addr end at, as far as addr itself tells.
func destination(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.IsLoopback() {
		return addr
	}
	for _, e := range embedding {
		if e.prefix.Contains(addr) {
			whole := addr.As16()
			b := [4]byte(whole[e.from:])
			for i := range b {
				if e.inverted {
					b[i] = ^b[i]
				}
			}
			return netip.AddrFrom4(b)
		}
	}
	return addr
}

// writtenAddress is a URL's host if it is an address. A host that only looks like one, such as 127.1 or 2130706433, is an
// error: there is no such name, and whoever resolves it may take it for an address.
func writtenAddress(host string) (addr netip.Addr, isAddress bool, err error) {
	if addr, err = netip.ParseAddr(host); err == nil {
		return addr, true, nil
	}
	name := strings.TrimSuffix(host, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last != "" && last[0] >= '0' && last[0] <= '9' {
		return addr, false, fmt.Errorf("%s is neither a host name nor an address", clean(host, 100))
	}
	return addr, false, nil
}
