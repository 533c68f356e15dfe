// Package registrytest starts registries for tests: real ones (distribution) that are anonymous, ask for a user name and a
// password, or for tokens of a small token service; and a fake with the quirks of real products.
package registrytest
