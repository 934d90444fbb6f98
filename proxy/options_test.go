package proxy_test

import (
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy"
)

func TestNew_TellsEveryProblem(t *testing.T) {
	t.Parallel()
	store := newFake()
	good := proxy.Project{Name: "site", Tokens: []proxy.Token{tok("a")}, Users: store, Groups: store}
	bad := proxy.Project{Name: "no spaces", WithoutEmail: "maybe"}
	other := good
	other.Name = "shop"
	for _, tt := range []struct {
		name string
		opts proxy.Options
		want []string
	}{
		{"nothing", proxy.Options{}, []string{"at least one"}},
		{"all at once", proxy.Options{Projects: []proxy.Project{good, bad, good}, BaseURL: "ftp://x"}, []string{
			"projects[1].name", "projects[1].tokens", "projects[1]: no users", "projects[1].users.without_email", "projects[2].name", "base_url",
		}},
		{"one token for two", proxy.Options{Projects: []proxy.Project{good, other}}, []string{"projects[1].tokens"}},
		{"base with a path", proxy.Options{Projects: []proxy.Project{good}, BaseURL: "https://x.example/scim"}, []string{"base_url"}},
		{"negative", proxy.Options{Projects: []proxy.Project{good}, Limits: proxy.Limits{Body: -1}}, []string{"limits"}},
		{"good", proxy.Options{Projects: []proxy.Project{good}, BaseURL: "https://x.example/"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := proxy.New(tt.opts)
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not told: %v", want, err)
				}
			}
		})
	}
}
