package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// curl does what curl does with the few options that this program prints.
func (i *instance) curl(words []string) (string, error) {
	method, body, query := http.MethodGet, "", url.Values{}
	header := http.Header{}
	address := ""
	for n := 0; n < len(words); n++ {
		value := func() string {
			n++
			return words[min(n, len(words)-1)]
		}
		switch word := words[n]; word {
		case "-sS", "-G":
		case "-H":
			name, text, _ := strings.Cut(value(), ": ")
			header.Set(name, text)
		case "-d":
			method, body = http.MethodPost, value()
		case "--data-urlencode":
			name, text, _ := strings.Cut(value(), "=")
			query.Add(name, text)
		default:
			if strings.HasPrefix(word, "-") || address != "" {
				return "", fmt.Errorf("curl: what is %q?", word)
			}
			address = word
		}
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(i.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header = header
	resp, err := i.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	return string(out), err
}
