package cmstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// maxBody is the size of the largest request body that is read.
const maxBody = 10 << 20

// call is one request to the CMA.
type call struct {
	method   string
	path     string
	template string // "/users/:id", or "" for a path the CMA does not have
	route    *route // nil when path and method do not fit
	id       string // what stands for :id
	query    url.Values
	header   http.Header
	raw      []byte
	body     any // raw as JSON, once it was read
}

// endpoint is the name the call is counted under.
func (c *call) endpoint() string {
	if c.route == nil {
		return "unknown"
	}
	return c.method + " " + c.template
}

// data is the data member of the body, empty when there is none.
func (c *call) data() map[string]any {
	body, _ := c.body.(map[string]any)
	data, _ := body["data"].(map[string]any)
	return data
}

// attributes is data.attributes of the body, empty when there is none.
func (c *call) attributes() map[string]any {
	in, _ := c.data()["attributes"].(map[string]any)
	return in
}

// relationship is what data.relationships of the body links name to.
func (c *call) relationship(name string) (data any, sent bool) {
	all, _ := c.data()["relationships"].(map[string]any)
	rel, sent := all[name].(map[string]any)
	return rel["data"], sent
}

// link is the id the body links name to.
func (c *call) link(name string) (id string, sent bool) {
	data, sent := c.relationship(name)
	ref, _ := data.(map[string]any)
	id, _ = ref["id"].(string)
	return id, sent
}

// links are the ids the body links name to.
func (c *call) links(name string) (ids []string, sent bool) {
	data, sent := c.relationship(name)
	list, _ := data.([]any)
	for _, item := range list {
		ref, _ := item.(map[string]any)
		id, _ := ref["id"].(string)
		ids = append(ids, id)
	}
	return ids, sent
}

// parse reads the body as one JSON value.
func (c *call) parse() error {
	dec := json.NewDecoder(bytes.NewReader(c.raw))
	dec.UseNumber()
	if err := dec.Decode(&c.body); err != nil {
		return refuse("INVALID_JSON_BODY", nil)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refuse("INVALID_JSON_BODY", nil)
	}
	return nil
}

// answer is what a call comes to: a status and a JSON document.
type answer struct {
	status int
	body   []byte
}

// ok answers 200 with data.
func ok(data any) (answer, error) { return envelope(http.StatusOK, map[string]any{"data": data}) }

// created answers 201 with data.
func created(data any) (answer, error) {
	return envelope(http.StatusCreated, map[string]any{"data": data})
}

func envelope(status int, document map[string]any) (answer, error) {
	raw, err := marshal(document)
	if err != nil {
		return answer{}, refuse("EXCEPTION", nil)
	}
	return answer{status: status, body: raw}, nil
}

// okRows answers 200 with the whole table.
func okRows[T interface{ appendTo([]byte) []byte }](rows []T) (answer, error) {
	body := make([]byte, 0, 16+len(rows)*280)
	body = append(body, `{"data":[`...)
	for i, r := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = r.appendTo(body)
	}
	return answer{status: http.StatusOK, body: append(body, `]}`...)}, nil
}

// answerOf is the answer of a handler, its error included.
func answerOf(a answer, err error) answer {
	if err == nil {
		return a
	}
	var refused *apiError
	if !errors.As(err, &refused) {
		refused = refuse("EXCEPTION", nil)
	}
	return answer{status: refused.status, body: refused.body()}
}
