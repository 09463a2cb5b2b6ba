package main

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"offramp/gateway/envelope"
)

// field is one setting: a leaf of the settings struct with an env tag.
type field struct {
	Name    string // with the prefix
	Default string
	Doc     string
	Secret  bool
	Empty   bool   // an empty value means something else than the default
	Reload  string // what of it can change while the server runs: yes, its file; empty: nothing
	Topic   string
	value   reflect.Value
	spec    reflect.StructField
}

// fieldsOf lists the settings below v, a pointer to a struct, in the order
// they are declared. A topic tag opens a topic, for what follows it too.
func fieldsOf(v any) []field {
	var all []field
	var topic string
	var walk func(reflect.Value)
	walk = func(s reflect.Value) {
		for i := range s.NumField() {
			spec := s.Type().Field(i)
			key, _, _ := strings.Cut(spec.Tag.Get("env"), ",")
			topic = cmp.Or(spec.Tag.Get("topic"), topic)
			switch {
			case !spec.IsExported() || key == "-":
			case key != "":
				all = append(all, field{
					Name: prefix + key, Default: spec.Tag.Get("envDefault"), Doc: spec.Tag.Get("doc"),
					Secret: spec.Tag.Get("secret") == "true", Empty: spec.Tag.Get("empty") != "",
					Reload: spec.Tag.Get("reload"),
					Topic:  topic,
					value:  s.Field(i), spec: spec,
				})
			case spec.Type.Kind() == reflect.Struct:
				walk(s.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(v).Elem())
	return all
}

// parseEnviron fills the struct v points at from env and returns every fault.
//
// Each field is handed to env on its own: so that a fault can name its
// variable, and because env takes a set but empty value for an unset one.
func parseEnviron(v any, environment map[string]string) error {
	fields := fieldsOf(v)
	faults := unknownNames(fields, environment)
	for _, f := range fields {
		value, set := environment[f.Name]
		if f.Secret {
			var err error
			if value, set, err = secretValue(f.Name, environment); err != nil {
				faults = append(faults, err)
				continue
			}
		}
		if err := f.parse(value, set); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// parse sets the field from a value, or from its default when none is set.
func (f field) parse(value string, set bool) error {
	if set && strings.TrimSpace(value) == "" {
		if f.Default != "" && !f.Empty {
			return fault("%s: is set but empty: give a value, or remove it for the default %s", f.Name, f.Default)
		}
		f.value.SetZero()
		return nil
	}
	spec := f.spec
	spec.Name, spec.Anonymous, spec.PkgPath = "Value", false, ""
	single := reflect.New(reflect.StructOf([]reflect.StructField{spec}))
	options := env.Options{Environment: map[string]string{}, Prefix: prefix}
	if set {
		options.Environment[f.Name] = strings.TrimSpace(value)
	}
	if err := env.ParseWithOptions(single.Interface(), options); err != nil {
		return f.remedy(value, err)
	}
	f.value.Set(single.Elem().Field(0))
	return nil
}

// remedy words what is wrong with a value. A secret's value is not repeated.
func (f field) remedy(value string, err error) error {
	shown := fmt.Sprintf("%q", value)
	if f.Secret {
		shown = "the value"
	}
	switch f.value.Interface().(type) {
	case time.Duration:
		return fault("%s: %s is not a duration: write one such as 90s, 5m or 4h", f.Name, shown)
	case envelope.Octets:
		return fault("%s: %s is not a size: write one such as 256KiB, 50MiB or 1000000", f.Name, shown)
	case bool:
		return fault("%s: %s is not a switch: write true or false", f.Name, shown)
	}
	switch f.value.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Float64:
		return fault("%s: %s is not a number", f.Name, shown)
	}
	var parse env.ParseError
	if errors.As(err, &parse) {
		err = parse.Err
	}
	if f.Secret {
		return fault("%s: the value is invalid", f.Name)
	}
	return fault("%s: %s: %v", f.Name, shown, err)
}

// text is the field's present value as one would write it into a variable.
func (f field) text() string {
	if f.value.IsZero() {
		return ""
	}
	if d, ok := f.value.Interface().(time.Duration); ok {
		return shortDuration(d)
	}
	if s, ok := f.value.Interface().(fmt.Stringer); ok {
		return s.String()
	}
	if f.value.Kind() == reflect.Map {
		var items []string
		for _, key := range f.value.MapKeys() {
			items = append(items, fmt.Sprint(key)+":"+fmt.Sprint(f.value.MapIndex(key)))
		}
		slices.Sort(items)
		return strings.Join(items, ",")
	}
	if f.value.Kind() != reflect.Slice {
		return fmt.Sprint(f.value.Interface())
	}
	items := make([]string, f.value.Len())
	for i := range items {
		items[i] = fmt.Sprint(f.value.Index(i).Interface())
	}
	return strings.Join(items, ",")
}

// shortDuration writes 5m where time.Duration writes 5m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
