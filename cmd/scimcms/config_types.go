package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// redacted stands for a secret wherever one is printed.
const redacted = "redacted"

// Secret is a value that is named in the configuration and read from the environment or a file. It never prints itself.
type Secret struct {
	env, file string
	literal   bool
	value     string
}

// Value is the secret itself; empty when it is not set.
func (s Secret) Value() string { return s.value }

// IsSet tells whether the configuration names a secret.
func (s Secret) IsSet() bool { return s.env != "" || s.file != "" || s.value != "" }

// Source says where the secret comes from, in words for an operator.
func (s Secret) Source() string {
	switch {
	case s.env != "":
		return "environment variable " + s.env
	case s.file != "":
		return "file " + s.file
	case s.literal:
		return "the configuration"
	default:
		return "nowhere"
	}
}

// String hides the value.
func (s Secret) String() string {
	if !s.IsSet() {
		return ""
	}
	return redacted
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return fmt.Sprintf("Secret(%s)", s.String()) }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the value from every encoder that takes text, JSON and YAML included.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON hides the value.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(s.String())), nil }

// MarshalYAML hides the value.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// Rate is how many requests a CMS takes in a window. The zero value means no pacing.
type Rate struct {
	Count  int
	Window time.Duration
}

var errRate = errors.New("write COUNT/DURATION such as 60/3s, or none")

// ParseRate reads "60/3s"; "none" and "0" mean no pacing.
func ParseRate(text string) (Rate, error) {
	if text == "none" || text == "0" {
		return Rate{}, nil
	}
	count, window, ok := strings.Cut(text, "/")
	if !ok {
		return Rate{}, errRate
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 {
		return Rate{}, errRate
	}
	d, err := time.ParseDuration(window)
	if err != nil || d <= 0 {
		return Rate{}, errRate
	}
	return Rate{Count: n, Window: d}, nil
}

// None tells whether requests are not paced.
func (r Rate) None() bool { return r.Count == 0 }

// String is the notation that ParseRate reads.
func (r Rate) String() string {
	if r.None() {
		return "none"
	}
	return fmt.Sprintf("%d/%s", r.Count, r.Window)
}

// MarshalText writes the notation that ParseRate reads.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the notation of ParseRate.
func (r *Rate) UnmarshalText(text []byte) error {
	parsed, err := ParseRate(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// ByteSize is a number of bytes, written as 512KiB, 4MiB or 1GiB.
type ByteSize int64

var errByteSize = errors.New("write a size such as 512KiB or 4MiB")

// byteUnits are tried in this order: "B" ends them all.
var byteUnits = []struct {
	suffix string
	bytes  int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// UnmarshalText reads a whole number with a unit.
func (b *ByteSize) UnmarshalText(text []byte) error {
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(string(text), u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
		if err != nil || n < 0 {
			return errByteSize
		}
		*b = ByteSize(n * u.bytes)
		return nil
	}
	return errByteSize
}

// String is the notation that UnmarshalText reads.
func (b ByteSize) String() string {
	for _, u := range byteUnits {
		if b != 0 && int64(b)%u.bytes == 0 {
			return strconv.FormatInt(int64(b)/u.bytes, 10) + u.suffix
		}
	}
	return "0B"
}

// MarshalText writes the notation that UnmarshalText reads.
func (b ByteSize) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// Digest is the SHA-256 of a token.
type Digest [sha256.Size]byte

// DigestOf is the digest of a token.
func DigestOf(token string) Digest { return sha256.Sum256([]byte(token)) }

// ParseDigest reads 64 hexadecimal digits.
func ParseDigest(text string) (Digest, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		return Digest{}, errors.New("must be the 64 hexadecimal digits of a SHA-256; make one with: scimcms token new")
	}
	return Digest(raw), nil
}

// String is the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }
