package cmsclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

const (
	maxDocument  = 16 << 20 // one entity; a role with thousands of permission entries is far below
	maxErrorBody = 1 << 20
	maxEntries   = 20
	maxDetails   = 16 << 10
)

// ref names an entity.
type ref struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// related is a relationship to one entity; to none, which is null on the wire, where Data is empty.
type related struct {
	Data ref `json:"data"`
}

// links is a relationship to several entities.
type links struct {
	Data []ref `json:"data"`
}

func (l links) ids() []string {
	if len(l.Data) == 0 {
		return nil
	}
	ids := make([]string, len(l.Data))
	for i, r := range l.Data {
		ids[i] = r.ID
	}
	return ids
}

// outgoing is the entity that a write sends.
type outgoing struct {
	Type          string         `json:"type"`
	ID            string         `json:"id,omitempty"`
	Attributes    map[string]any `json:"attributes,omitempty"`
	Relationships map[string]any `json:"relationships,omitempty"`
}

// document is the body of the write. A relationship to no role is not sent: the CMS would have to refuse it.
func (o *outgoing) document() ([]byte, error) {
	if role, ok := o.Relationships["role"].(related); ok && !validID(role.Data.ID) {
		return nil, errInvalidID
	}
	b, err := json.Marshal(map[string]*outgoing{"data": o})
	if err != nil {
		return nil, errNotWritable
	}
	return b, nil
}

func toRole(id string) map[string]any {
	return map[string]any{"role": related{Data: ref{ID: id, Type: typeRole}}}
}

// incoming is the wire form of an entity of type T.
type incoming[T any] interface {
	head() ref
	entity() T
}

// single reads {"data": {…}} into dst. The entity must be of type typ, and the one asked for where id is not "".
func single[W incoming[T], T any](dst *T, typ, id string) decoder {
	return func(r io.Reader) error {
		var doc struct {
			Data *W `json:"data"`
		}
		if err := decodeDocument(r, &doc); err != nil {
			return err
		}
		if doc.Data == nil {
			return errNoData
		}
		head := (*doc.Data).head()
		if head.Type != typ || head.ID == "" || id != "" && head.ID != id {
			return errOtherEntity
		}
		*dst = (*doc.Data).entity()
		return nil
	}
}

// decodeDocument reads one JSON value and nothing after it.
func decodeDocument(r io.Reader, v any) error {
	d := json.NewDecoder(&cappedReader{r: r, left: maxDocument})
	if err := d.Decode(v); err != nil {
		return jsonError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errTorn
	}
	return nil
}

// jsonError tells what is wrong with a document without quoting it.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typ):
		return fmt.Errorf("the answer has an unexpected type at %q", typ.Field)
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errTorn
	default:
		return err // of the connection, or our own
	}
}

var codeForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// unreadableCode stands for a code that does not look like one, and so might be anything.
const unreadableCode = "UNREADABLE_CODE"

// decodeEntries reads the body of an error. What is not the CMS's error document gives no entries.
func decodeEntries(r io.Reader) []Entry {
	var doc struct {
		Data []struct {
			Attributes struct {
				Code      string          `json:"code"`
				Details   json.RawMessage `json:"details"`
				Transient bool            `json:"transient"`
			} `json:"attributes"`
		} `json:"data"`
	}
	if err := json.NewDecoder(&cappedReader{r: r, left: maxErrorBody}).Decode(&doc); err != nil {
		return nil
	}
	var entries []Entry
	for _, d := range doc.Data[:min(len(doc.Data), maxEntries)] {
		a := d.Attributes
		if a.Code == "" {
			continue
		}
		if !codeForm.MatchString(a.Code) {
			a.Code = unreadableCode
		}
		if len(a.Details) > maxDetails {
			a.Details = nil
		}
		entries = append(entries, Entry{Code: a.Code, Details: a.Details, Transient: a.Transient})
	}
	return entries
}

// cappedReader fails after so many bytes, rather than passing a cut document for a whole one.
type cappedReader struct {
	r    io.Reader
	left int64
}

func (c *cappedReader) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	return n, err
}
