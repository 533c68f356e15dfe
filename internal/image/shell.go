package image

import (
	"encoding/json"
	"slices"
	"strings"
)

// maxShell is longer than any sensible SHELL; longer ones are not looked for, which keeps reading linear.
const maxShell = 1024

// shellText is how a SHELL line's shell begins later lines: Docker writes [/bin/bash -c], Buildah a JSON list.
func shellText(value string) string {
	var words []string
	if json.Unmarshal([]byte(value), &words) == nil {
		value = strings.Join(words, " ")
	} else if inner, found := strings.CutPrefix(value, "["); found && strings.HasSuffix(inner, "]") {
		value = strings.TrimSuffix(inner, "]")
	}
	value = strings.TrimSpace(value)
	if len(value) > maxShell {
		return ""
	}
	return value
}

// cutShell removes the shell that ran a command.
func (r *lineReader) cutShell(text string) (command string, ok bool) {
	if command, ok := r.cutNamedShell(text); ok {
		return command, true
	}
	return cutLikelyShell(text)
}

// cutNamedShell knows the shell in effect, the image's final one and the system's.
func (r *lineReader) cutNamedShell(text string) (command string, ok bool) {
	for i := -1; i < len(r.fallback); i++ {
		shell := r.shell
		if i >= 0 {
			shell = r.fallback[i]
		}
		if shell == "" {
			continue
		}
		if rest, found := strings.CutPrefix(text, shell); found && (rest == "" || strings.ContainsAny(rest[:1], " \t\n")) {
			return strings.TrimSpace(rest), true
		}
	}
	return text, false
}

// cutLikelyShell knows the usual shells by name, when an option hands them a command.
func cutLikelyShell(text string) (command string, ok bool) {
	word, rest := cutWord(text)
	name := strings.ToLower(word[strings.LastIndexAny(word, `/\`)+1:])
	switch strings.TrimSuffix(name, ".exe") {
	case "sh", "bash", "dash", "ash", "zsh", "ksh":
		command, ok = cutUnixOptions(rest)
	case "cmd":
		command, ok = cutCmdOptions(rest)
	case "powershell", "pwsh":
		command, ok = cutPowerShellOptions(rest)
	}
	if !ok {
		return text, false
	}
	return command, true
}

// cutRootedShell is cutLikelyShell without Unix shells that are named without a path: among build arguments and in exec
// forms such a word is more likely an argument ("/usr/bin/env bash -c ...").
func cutRootedShell(text string) (command string, ok bool) {
	if word, _ := cutWord(text); !strings.ContainsAny(word, `/\`) && strings.HasSuffix(word, "sh") && word != "pwsh" {
		return text, false
	}
	return cutLikelyShell(text)
}

// maxShellOptions bounds the options looked at before a command.
const maxShellOptions = 32

func cutWord(text string) (word, rest string) {
	word, rest, _ = strings.Cut(text, " ")
	return word, strings.TrimLeft(rest, " ")
}

// cutUnixOptions removes options up to one with a c in it: -c, -ec, -o pipefail -c, -euxo pipefail -c.
func cutUnixOptions(rest string) (string, bool) {
	for range maxShellOptions {
		var word string
		word, rest = cutWord(rest)
		switch {
		case len(word) < 2 || word[0] != '-' && word[0] != '+':
			return "", false
		case strings.HasPrefix(word, "--"):
			continue
		}
		if strings.ContainsAny(word[1:], "oO") {
			_, rest = cutWord(rest)
		}
		if word[0] == '-' && strings.Contains(word, "c") {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

func cutCmdOptions(rest string) (string, bool) {
	for range maxShellOptions {
		var word string
		word, rest = cutWord(rest)
		switch {
		case strings.EqualFold(word, "/c"):
			return strings.TrimSpace(rest), true
		case len(word) < 2 || word[0] != '/':
			return "", false
		}
	}
	return "", false
}

var powerShellValued = []string{"-executionpolicy", "-ep", "-ex", "-exec", "-inputformat", "-outputformat", "-windowstyle", "-version", "-configurationname"}

func cutPowerShellOptions(rest string) (string, bool) {
	for range maxShellOptions {
		var word string
		word, rest = cutWord(rest)
		option := strings.ToLower(word)
		switch {
		case option == "-command" || option == "-c":
			return strings.TrimSpace(rest), true
		case len(option) < 2 || option[0] != '-' || option == "-file":
			return "", false
		case slices.Contains(powerShellValued, option):
			_, rest = cutWord(rest)
		}
	}
	return "", false
}
