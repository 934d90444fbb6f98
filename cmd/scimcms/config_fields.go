package main

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// field is one place of the configuration: its path, its tags and its value.
type field struct {
	// path is that in the file, such as projects[0].cms.rate.
	path string
	// env is the name of the variable that overrides the field; empty when none does.
	env   string
	tag   reflect.StructTag
	value reflect.Value
}

// scalar tells whether the field holds one value, as opposed to a list, a map or a group of fields.
func (f field) scalar() bool { return isScalar(f.value.Type()) }

// required tells whether the field must be set.
func (f field) required() bool { return f.tag.Get("required") == "true" }

// fields lists every field of the configuration as it is filled now, groups before what is in them.
func fields(c *Config) []field {
	var all []field
	walk(reflect.ValueOf(c).Elem(), "", "SCIMCMS", func(f field) { all = append(all, f) })
	return all
}

// walk visits every field below v in the order of the struct, parents first. Lists are entered by element.
func walk(v reflect.Value, path, env string, visit func(field)) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if !f.IsExported() || key == "-" {
			continue
		}
		at := field{path: join(path, key), tag: f.Tag, value: v.Field(i)}
		if env != "" && f.Tag.Get("env") != "-" {
			at.env = env + "_" + strings.ToUpper(key)
		}
		visit(at)
		descend(at, visit)
	}
}

// descend enters what has fields of its own.
func descend(at field, visit func(field)) {
	switch {
	case at.scalar():
	case at.value.Kind() == reflect.Struct:
		walk(at.value, at.path, at.env, visit)
	case at.value.Kind() == reflect.Slice && at.value.Type().Elem().Kind() == reflect.Struct:
		for i := range at.value.Len() {
			element := at.value.Index(i)
			walk(element, elementPath(at.path, i), elementEnv(at.env, element), visit)
		}
	}
}

// elementEnv names the variables of a list's element by the element's own name. An element without one has none.
func elementEnv(env string, element reflect.Value) string {
	name := element.FieldByName("Name")
	if env == "" || !name.IsValid() || name.String() == "" {
		return ""
	}
	return env + "_" + strings.ToUpper(strings.ReplaceAll(name.String(), "-", "_"))
}

func join(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

func elementPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
	rateType     = reflect.TypeFor[Rate]()
)

// isScalar tells whether values of the type are written as one piece of text.
func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int64, reflect.Bool:
		return true
	default:
		return t == secretType || t == rateType
	}
}

// textUnmarshaler is encoding.TextUnmarshaler.
type textUnmarshaler interface{ UnmarshalText(text []byte) error }

// setText fills a scalar from its notation in the file, the environment or a default.
func setText(v reflect.Value, text string) error {
	if u, ok := reflect.TypeAssert[textUnmarshaler](v.Addr()); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Type() {
	case secretType:
		v.Set(reflect.ValueOf(Secret{literal: true, value: text}))
		return nil
	case durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("write a duration such as 30s, 5m or 1h")
		}
		v.SetInt(int64(d))
		return nil
	}
	return setBasic(v, text)
}

func setBasic(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("must be a whole number")
		}
		v.SetInt(int64(n))
	case reflect.Bool:
		if text != "true" && text != "false" {
			return errors.New("must be true or false")
		}
		v.SetBool(text == "true")
	case reflect.String:
		v.SetString(text)
	default:
		return fmt.Errorf("cannot hold text: %s", v.Type())
	}
	return nil
}

// setDefaults fills v's fields with the defaults of their tags.
func setDefaults(v reflect.Value) error {
	var errs []error
	walk(v, "", "", func(f field) {
		if text, ok := f.tag.Lookup("default"); ok {
			if err := setText(f.value, text); err != nil {
				errs = append(errs, fmt.Errorf("default of %s: %w", f.path, err))
			}
		}
	})
	return errors.Join(errs...)
}
