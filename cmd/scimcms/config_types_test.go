package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func TestSecret_NeverPrintsItself(t *testing.T) {
	t.Parallel()
	const hush = "hush-hush"
	c := Config{Projects: []ProjectConfig{{CMS: CMSConfig{Token: Secret{env: "CMS_TOKEN", value: hush}}}}}

	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("configuration", "token", c.Projects[0].CMS.Token, "all", c)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("configuration", "token", c.Projects[0].CMS.Token, "all", c)

	for how, text := range map[string]string{
		"%v":   fmt.Sprintf("%v", c),
		"%+v":  fmt.Sprintf("%+v", c),
		"%#v":  fmt.Sprintf("%#v", c),
		"%q":   fmt.Sprintf("%q", c.Projects[0].CMS.Token),
		"JSON": string(asJSON),
		"YAML": string(asYAML),
		"slog": logged.String(),
	} {
		if strings.Contains(text, hush) || !strings.Contains(text, redacted) {
			t.Errorf("%s: %s", how, text)
		}
	}
}

func TestSecret_Source(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Secret{
		"environment variable A": {env: "A", value: "x"},
		"file b":                 {file: "b", value: "x"},
		"the configuration":      {literal: true, value: "x"},
		"nowhere":                {},
	} {
		if got := s.Source(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if (Secret{}).IsSet() || (Secret{}).String() != "" {
		t.Error("the zero secret is not set and prints nothing")
	}
}

func TestParseRate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want Rate
		bad  bool
	}{
		{text: "60/3s", want: Rate{60, 3 * time.Second}},
		{text: "1/1m0s", want: Rate{1, time.Minute}},
		{text: "none"},
		{text: "0"},
		{text: "", bad: true},
		{text: "60", bad: true},
		{text: "0/3s", bad: true},
		{text: "-1/3s", bad: true},
		{text: "60/0s", bad: true},
		{text: "60/3", bad: true},
		{text: "x/3s", bad: true},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := ParseRate(tt.text)
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("got %v, %v", got, err)
			}
			if again, err := ParseRate(got.String()); err != nil || again != got {
				t.Errorf("%s is not read back: %v, %v", got, again, err)
			}
		})
	}
}

func TestByteSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want ByteSize
		bad  bool
	}{
		{text: "4MiB", want: 4 << 20},
		{text: "512 KiB", want: 512 << 10},
		{text: "1GiB", want: 1 << 30},
		{text: "100B", want: 100},
		{text: "4", bad: true},
		{text: "4MB", bad: true},
		{text: "-4KiB", bad: true},
		{text: "99999999999999GiB", bad: true},
		{text: "", bad: true},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			var got ByteSize
			err := got.UnmarshalText([]byte(tt.text))
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("got %v, %v", got, err)
			}
			var again ByteSize
			if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
				t.Errorf("%s is not read back: %v, %v", got, again, err)
			}
		})
	}
}
