// Package registrytest starts registries for tests: real ones (distribution) that are anonymous, ask for a user name and a
// password, or for tokens of a small token service; a fake with the quirks of real products; and the products themselves as a
// client sees them. Certificates, ports, a proxy and a name server can be as wrong as they are elsewhere.
package registrytest
