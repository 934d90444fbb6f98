package cmsclient

import (
	"encoding/json"
	"errors"
	"io"
)

// maxList caps one list: some hundreds of thousands of people.
const maxList = 256 << 20

// yieldError carries the error of a caller's function through the decoder.
type yieldError struct{ cause error }

func (y *yieldError) Error() string { return y.cause.Error() }

// list reads {"data": […]} one entity at a time and passes those of type typ to yield; a list may hold others, which
// are nobody's to manage. It fails when the document is not complete, and when its own count says that there are more
// entities than it has: a part must never pass for the whole.
func list[W incoming[T], T any](typ string, yield func(T) error) decoder {
	return func(r io.Reader) error {
		d := json.NewDecoder(&cappedReader{r: r, left: maxList})
		if err := expect(d, '{'); err != nil {
			return err
		}
		s := listState{count: -1}
		for d.More() {
			if err := member[W](d, &s, typ, yield); err != nil {
				return err
			}
		}
		if err := expect(d, '}'); err != nil {
			return err
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return errTorn
		}
		return s.complete()
	}
}

// listState is what was seen of a list so far.
type listState struct {
	data  bool
	seen  int
	count int // meta.total_count, -1 when not given
}

func (s *listState) complete() error {
	switch {
	case !s.data:
		return errNoData
	case s.count >= 0 && s.count != s.seen:
		return errPartialList
	default:
		return nil
	}
}

// member reads one member of the document.
func member[W incoming[T], T any](d *json.Decoder, s *listState, typ string, yield func(T) error) error {
	name, err := d.Token()
	if err != nil {
		return jsonError(err)
	}
	switch name {
	case "data":
		if s.data {
			return errTorn
		}
		s.data = true
		return elements[W](d, s, typ, yield)
	case "meta":
		var meta struct {
			Total *int `json:"total_count"`
		}
		if err := d.Decode(&meta); err != nil {
			return jsonError(err)
		}
		if meta.Total != nil {
			s.count = *meta.Total
		}
		return nil
	default:
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return jsonError(err)
		}
		return nil
	}
}

func elements[W incoming[T], T any](d *json.Decoder, s *listState, typ string, yield func(T) error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	var w, empty W // one for all: entities are copied out of it
	for d.More() {
		w = empty
		if err := d.Decode(&w); err != nil {
			return jsonError(err)
		}
		s.seen++
		head := w.head()
		if head.ID == "" || head.Type == "" {
			return errOtherEntity
		}
		if head.Type != typ {
			continue
		}
		if err := yield(w.entity()); err != nil {
			return &yieldError{cause: err}
		}
	}
	return expect(d, ']')
}

func expect(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return jsonError(err)
	}
	if t != want {
		return errTorn
	}
	return nil
}

// collect gathers what each passes on.
func collect[T any](each func(func(T) error) error) ([]T, error) {
	var all []T
	err := each(func(v T) error {
		all = append(all, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
