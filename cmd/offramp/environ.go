package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// prefix starts the name of every setting.
const prefix = "OFFRAMP_"

// environ turns the form of os.Environ into a map. Of a name given twice the
// last value counts, as in a shell.
func environ(pairs []string) map[string]string {
	m := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		if name, value, ok := strings.Cut(pair, "="); ok {
			m[name] = value
		}
	}
	return m
}

// unreadFile is the fault of a file of settings that cannot be read to its end:
// what it would have set is unknown, so no other fault can be told from it.
type unreadFile struct{ error }

func (e unreadFile) Unwrap() error { return e.error }

// readEnvFile adds the KEY=VALUE lines of a file to env. A name that env holds
// already keeps its value, so that the command line wins over the file, as it
// does with systemd and docker compose; within the file the last line wins.
func readEnvFile(path string, env map[string]string) error {
	f, err := os.Open(path)
	if err != nil {
		return unreadFile{fault("--env-file: %s", plainPathError(err))}
	}
	defer f.Close()
	return parseEnvFile(f, path, env)
}

func parseEnvFile(in io.Reader, path string, env map[string]string) error {
	var faults []error
	set := maps.Clone(env)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20) // a list of keys can be long
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if n == 1 {
			text = strings.TrimPrefix(text, "\ufeff") // some editors begin a file so
		}
		line := strings.TrimSpace(text)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.ContainsAny(name, " \t\"'") {
			faults = append(faults, fault("%s line %d: write NAME=value", path, n))
			continue
		}
		value, ok = unquote(strings.TrimSpace(value))
		if !ok {
			faults = append(faults, fault("%s line %d: %s has an unclosed quote", path, n, name))
			continue
		}
		if _, given := set[name]; !given {
			env[name] = value
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return unreadFile{fault("--env-file: %s has a line longer than 1 MiB: this does not look like a settings file", path)}
	case err != nil:
		return unreadFile{fault("--env-file: %s", plainPathError(err))}
	}
	return errors.Join(faults...)
}

// unquote removes the quotes systemd and compose remove. ok is false when one
// is not closed.
func unquote(s string) (value string, ok bool) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return s, true
	}
	if len(s) < 2 || s[len(s)-1] != s[0] {
		return "", false
	}
	inner := s[1 : len(s)-1]
	if s[0] == '"' {
		inner = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`).Replace(inner)
	}
	return inner, true
}

// secretValue finds a secret in the variable itself, in the file X_FILE names,
// or among systemd's credentials, and refuses more than one of them.
func secretValue(name string, env map[string]string) (value string, set bool, err error) {
	type source struct{ label, path string }
	var from []source
	value, direct := env[name]
	if direct {
		from = append(from, source{label: name})
	}
	if path, ok := env[name+"_FILE"]; ok {
		if path == "" {
			return "", false, fault("%s_FILE: is set but empty: give the path of the file that holds the value, or remove it", name)
		}
		from = append(from, source{name + "_FILE", path})
	}
	if dir := env["CREDENTIALS_DIRECTORY"]; dir != "" {
		path := filepath.Join(dir, strings.ToLower(name))
		if _, statErr := os.Stat(path); !errors.Is(statErr, fs.ErrNotExist) {
			from = append(from, source{"the credential " + strings.ToLower(name), path})
		}
	}
	switch {
	case len(from) == 0:
		return "", false, nil
	case len(from) > 1:
		return "", false, fault("%s: %s and %s are both set: keep one", name, from[0].label, from[1].label)
	case from[0].path == "":
		return value, true, nil
	}
	raw, readErr := os.ReadFile(from[0].path)
	if readErr != nil {
		return "", false, fault("%s: %s", from[0].label, plainPathError(readErr))
	}
	value = strings.TrimRight(string(raw), "\r\n")
	if strings.TrimSpace(value) == "" {
		return "", false, fault("%s: %s is empty: write the value into it", from[0].label, from[0].path)
	}
	return value, true, nil
}

// unknownNames reports every OFFRAMP_ name in env that no field has, with the
// nearest known one: a misspelt setting must not be lost silently.
func unknownNames(fields []field, env map[string]string) []error {
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Name] = true
		if f.Secret {
			known[f.Name+"_FILE"] = true
		}
	}
	var faults []error
	for name := range env {
		if !strings.HasPrefix(name, prefix) || known[name] {
			continue
		}
		if best := nearest(name, slices.Collect(maps.Keys(known))); best != "" {
			faults = append(faults, fault("%s: no such setting: did you mean %s?", name, best))
		} else {
			faults = append(faults, fault("%s: no such setting: `offramp config` lists them all", name))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return faults
}

// nearest returns the known name with the fewest edits, or "" when none is near.
func nearest(name string, known []string) string {
	slices.Sort(known)
	best, bestDistance := "", len(strings.TrimPrefix(name, prefix))/3+1
	for _, candidate := range known {
		if d := editDistance(strings.TrimPrefix(name, prefix), strings.TrimPrefix(candidate, prefix)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours (optimal string alignment).
func editDistance(a, b string) int {
	two, one := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = min(one[j+1], row[j]) + 1
			if a[i] == b[j] {
				row[j+1] = one[j]
			} else {
				row[j+1] = min(row[j+1], one[j]+1)
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], two[j-1]+1)
			}
		}
		two, one = one, row
	}
	return one[len(b)]
}

// plainPathError says what is wrong with a path in words an operator needs.
func plainPathError(err error) string {
	var pathErr *fs.PathError
	if !errors.As(err, &pathErr) {
		return err.Error()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no file %s", pathErr.Path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("%s may not be read or written by this user (uid %d)", pathErr.Path, os.Getuid())
	}
	return fmt.Sprintf("%s: %v", pathErr.Path, pathErr.Err)
}
