package proxy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/scimcms/scimcms/proxy/scim"
)

// A cursor is a place in a listing, sealed: it holds no state on the server, so that every replica understands it, also after a
// restart; nobody can make one or read one, so that it is no way to a place that was not shown; it is good for one query of one
// project and for a limited time. The key comes from the API token in use: a cursor does not outlive it.

// position is the place in a listing that a cursor stands for.
type position struct {
	Back bool          `json:"b,omitempty"` // the page lies before the place, not behind it
	Incl bool          `json:"i,omitempty"` // the resource at the place belongs to the page
	Part int           `json:"p,omitempty"` // resource type, in the order of the listing
	Seq  int64         `json:"s"`
	Key  *scim.SortKey `json:"k,omitempty"` // of a sorted listing
}

type sealedPosition struct {
	position
	Query   []byte `json:"q"` // fingerprint of the query
	Expires int64  `json:"e"` // Unix seconds
}

const (
	// maxCursor bounds what is decoded. The longest that is made has a sort key of 256 bytes, each of them escaped.
	maxCursor = 4096
	// fingerprintSize is how much of a query's SHA-256 is in a cursor.
	fingerprintSize = 16
)

// seal seals the cursors of one token of one project. The nonce is made of the content, so that the same request has the
// same answer.
type seal struct {
	aead  cipher.AEAD
	nonce []byte // key that nonces are made with
}

func newSeal(project string, digest [sha256.Size]byte) (seal, error) {
	derive := func(purpose string) []byte { return keyed(digest[:], []byte("scimcms cursor "+purpose+" "+project)) }
	block, err := aes.NewCipher(derive("seal"))
	if err != nil {
		return seal{}, err //nolint:wrapcheck // the key has a length that there is
	}
	aead, err := cipher.NewGCM(block)
	return seal{aead: aead, nonce: derive("nonce")}, err //nolint:wrapcheck // as above
}

func keyed(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}

func (s seal) close(plain []byte) []byte {
	nonce := keyed(s.nonce, plain)[:s.aead.NonceSize()]
	return s.aead.Seal(nonce, nonce, plain, nil)
}

func (s seal) open(sealed []byte) ([]byte, error) {
	n := min(s.aead.NonceSize(), len(sealed))
	if n < s.aead.NonceSize() {
		return nil, errCursor
	}
	return s.aead.Open(nil, sealed[:n], sealed[n:], nil) //nolint:wrapcheck // only that it is refused counts
}

// cursors makes and reads the cursors of one query.
type cursors struct {
	sealer seal
	query  []byte
	now    time.Time
	life   time.Duration
	parts  int
	sort   bool
}

// cursors are those of the request's token, for the query that the parts have in common.
func (r *request) cursors(parts []part) (cursors, error) {
	sealer, err := newSeal(r.tenant.Name, r.digest)
	c := cursors{sealer: sealer, now: r.start, life: r.srv.opts.Limits.Cursor, parts: len(parts)}
	sum := sha256.New()
	write := json.NewEncoder(sum)
	for _, p := range parts {
		fields := [4]string{string(p.kind())}
		if p.q.Filter != nil {
			fields[1] = p.q.Filter.String()
		}
		if s := p.q.Sort; s != nil {
			c.sort = true
			fields[2] = s.Attribute()
			if s.Descending() {
				fields[3] = "descending"
			}
		}
		_ = write.Encode(fields) // never fails (text into a hash)
	}
	c.query = sum.Sum(nil)[:fingerprintSize]
	return c, err
}

// seal makes a cursor of unreserved characters (RFC 9865 section 2).
func (c cursors) seal(p position) string {
	plain, err := json.Marshal(sealedPosition{position: p, Query: c.query, Expires: c.expires()})
	if err != nil {
		return "" // texts and numbers only
	}
	return base64.RawURLEncoding.EncodeToString(c.sealer.close(plain))
}

// expires is the full minute after the cursor's time.
func (c cursors) expires() int64 {
	return c.now.Add(c.life + time.Minute - time.Second).Truncate(time.Minute).Unix()
}

var (
	errCursor = scim.Errorf(http.StatusBadRequest, scim.InvalidCursor,
		"The cursor is not one of this server for this token: begin again with an empty cursor.")
	errCursorQuery = scim.Errorf(http.StatusBadRequest, scim.InvalidCursor,
		"The cursor belongs to another query: send it with the same filter, sortBy and sortOrder, or begin again with an empty cursor.")
	errCursorExpired = scim.Errorf(http.StatusBadRequest, scim.ExpiredCursor,
		"The cursor has expired: begin again with an empty cursor. How long one is good for is cursorTimeout in /ServiceProviderConfig.")
)

// open reads a cursor.
func (c cursors) open(text string) (position, error) {
	if len(text) > maxCursor {
		return position{}, errCursor
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return position{}, errCursor.WithCause(err)
	}
	plain, err := c.sealer.open(sealed)
	if err != nil {
		return position{}, errCursor.WithCause(err)
	}
	var p sealedPosition
	if err := json.Unmarshal(plain, &p); err != nil {
		return position{}, errCursor.WithCause(err)
	}
	switch {
	case !hmac.Equal(p.Query, c.query), p.Part < 0, p.Part >= c.parts, (p.Key != nil) != c.sort:
		return position{}, errCursorQuery
	case c.now.Unix() >= p.Expires:
		return position{}, errCursorExpired
	}
	return p.position, nil
}
