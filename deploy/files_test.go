package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// composeFile is compose.yaml; keys that it does not know fail the test.
type composeFile struct {
	Name     string             `yaml:"name"`
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

type service struct {
	Image string `yaml:"image"`
	Build struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Command     []string                     `yaml:"command"`
	Environment map[string]string            `yaml:"environment"`
	Volumes     []string                     `yaml:"volumes"`
	Ports       []string                     `yaml:"ports"`
	DependsOn   map[string]map[string]string `yaml:"depends_on"`
	Healthcheck map[string]any               `yaml:"healthcheck"`
	Restart     string                       `yaml:"restart"`
	StopGrace   string                       `yaml:"stop_grace_period"`
	ReadOnly    bool                         `yaml:"read_only"`
	CapDrop     []string                     `yaml:"cap_drop"`
	SecurityOpt []string                     `yaml:"security_opt"`
}

func loadCompose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	readYAML(t, "compose.yaml", &c)
	return c
}

func TestCompose_StartsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	c := loadCompose(t)
	for _, name := range []string{"proxy", "redis", "prometheus", "grafana"} {
		s, ok := c.Services[name]
		if !ok {
			t.Errorf("no service %s", name)
			continue
		}
		if s.Build.Context == "" && !regexp.MustCompile(`^[a-z/]+:v?\d+(\.\d+)+$`).MatchString(s.Image) {
			t.Errorf("%s: the image %q is not pinned to a version", name, s.Image)
		}
		if s.Restart == "" {
			t.Errorf("%s is not restarted", name)
		}
	}
	proxy := c.Services["proxy"]
	if proxy.DependsOn["redis"]["condition"] != "service_healthy" || c.Services["redis"].Healthcheck == nil {
		t.Error("the proxy starts before Redis answers")
	}
	if !proxy.ReadOnly || !slices.Contains(proxy.CapDrop, "ALL") {
		t.Error("the proxy can write to its image or has capabilities")
	}
}

func TestCompose_RedisKeepsWhatWasAccepted(t *testing.T) {
	t.Parallel()
	redis := loadCompose(t).Services["redis"]
	command := strings.Join(redis.Command, " ")
	for _, flag := range []string{"--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction"} {
		if !strings.Contains(command, flag) {
			t.Errorf("redis runs without %s: %s", flag, command)
		}
	}
	if !slices.Contains(redis.Volumes, "redis:/data") {
		t.Error("the append-only file is not on a volume")
	}
}

func TestCompose_MountsAndBuildsWhatIsThere(t *testing.T) {
	t.Parallel()
	c := loadCompose(t)
	for name, s := range c.Services {
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, volume := c.Volumes[source]; volume {
				continue
			}
			if _, err := os.Stat(filepath.FromSlash(source)); err != nil {
				t.Errorf("%s mounts %s: %v", name, source, err)
			}
			if !strings.HasSuffix(v, ":ro") {
				t.Errorf("%s may write to %s", name, source)
			}
		}
		if s.Build.Context != "" {
			if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s builds %v", name, err)
			}
		}
	}
}

func TestCompose_PublishesOnThisMachineOnly(t *testing.T) {
	t.Parallel()
	for name, s := range loadCompose(t).Services {
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s publishes %s to everybody", name, p)
			}
		}
	}
}

func TestCompose_VariablesAreInTheExample(t *testing.T) {
	t.Parallel()
	compose, example := read(t, "compose.yaml"), read(t, ".env.example")
	for _, use := range regexp.MustCompile(`\$\{(\w+)`).FindAllStringSubmatch(compose, -1) {
		if !regexp.MustCompile(`(?m)^` + use[1] + `=$`).MatchString(example) {
			t.Errorf(".env.example does not have %s, or has a value for it", use[1])
		}
	}
	for _, v := range regexp.MustCompile(`(?m)^(\w+)=`).FindAllStringSubmatch(example, -1) {
		if !strings.Contains(compose, "${"+v[1]) {
			t.Errorf("compose.yaml does not use %s of .env.example", v[1])
		}
	}
}

func TestPrometheusConfig_ScrapesTheProxy(t *testing.T) {
	t.Parallel()
	var c struct {
		Global map[string]string `yaml:"global"`
		Rules  []string          `yaml:"rule_files"`
		Scrape []struct {
			Job     string `yaml:"job_name"`
			Targets []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, "prometheus/prometheus.yml", &c)
	if len(c.Scrape) != 1 || c.Scrape[0].Job != "scimcms" || c.Scrape[0].Targets[0].Targets[0] != "proxy:9090" {
		t.Errorf("scrapes %+v", c.Scrape)
	}
	for _, r := range c.Rules {
		if _, err := os.Stat(filepath.Join("prometheus", r)); err != nil {
			t.Error(err)
		}
	}
}

func TestGrafana_ProvisionsTheDashboardThatIsMounted(t *testing.T) {
	t.Parallel()
	mounts := loadCompose(t).Services["grafana"].Volumes
	if !slices.Contains(mounts, "./grafana/dashboards:/var/lib/grafana/dashboards:ro") ||
		!strings.Contains(read(t, "grafana/provisioning/dashboards/scimcms.yaml"), "path: /var/lib/grafana/dashboards") {
		t.Error("the dashboards are not where the provider looks for them")
	}
	if !strings.Contains(read(t, "grafana/provisioning/datasources/prometheus.yaml"), "url: http://prometheus:9090") {
		t.Error("the data source is not the Prometheus of compose.yaml")
	}
}

// stage is one FROM of a Dockerfile with its instructions.
type stage struct {
	from, name string
	steps      [][2]string
}

func dockerStages(t *testing.T) []stage {
	t.Helper()
	var all []stage
	for line := range strings.Lines(read(t, "Dockerfile")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		instruction, rest, _ := strings.Cut(line, " ")
		if instruction == "FROM" {
			from, name, _ := strings.Cut(rest, " AS ")
			all = append(all, stage{from: from, name: name})
			continue
		}
		if len(all) == 0 {
			t.Fatalf("%q stands before the first stage", line)
		}
		last := &all[len(all)-1]
		last.steps = append(last.steps, [2]string{instruction, rest})
	}
	return all
}

// get is the argument of the last such instruction of the stage.
func (s stage) get(instruction string) string {
	for _, step := range slices.Backward(s.steps) {
		if step[0] == instruction {
			return step[1]
		}
	}
	return ""
}

func TestDockerfile_FinalImageIsTheBinaryAlone(t *testing.T) {
	t.Parallel()
	stages := dockerStages(t)
	final := stages[len(stages)-1]
	if final.from != "scratch" {
		t.Errorf("the final stage is from %q, want scratch", final.from)
	}
	if got := final.get("USER"); got != "65532:65532" {
		t.Errorf("runs as %q, want an unprivileged number: scratch has no names", got)
	}
	if got := final.get("ENTRYPOINT"); got != `["/scimcms"]` {
		t.Errorf("the entry point is %q: scratch has no shell", got)
	}
	var copied []string
	for _, step := range final.steps {
		if step[0] == "RUN" || step[0] == "HEALTHCHECK" {
			t.Errorf("%s %s: scratch can run nothing but the proxy", step[0], step[1])
		}
		if step[0] == "COPY" {
			copied = append(copied, step[1])
		}
	}
	want := []string{
		"--from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt",
		"--from=build /out/scimcms /scimcms",
	}
	if !slices.Equal(copied, want) {
		t.Errorf("copies %q, want certificates and binary", copied)
	}
}

func TestDockerfile_BuildsAsMakeDoes(t *testing.T) {
	t.Parallel()
	build := dockerStages(t)[0]
	mod := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	if len(mod) < 2 || build.from != "golang:"+mod[1] || build.name != "build" {
		t.Errorf("builds in %q, want the Go of go.mod", build.from)
	}
	run, makefile := build.get("RUN"), read(t, "../Makefile")
	for _, part := range []string{"CGO_ENABLED=0", " build -trimpath -ldflags", "-s -w -X main.version=", "./cmd/scimcms"} {
		if !strings.Contains(run, part) || !strings.Contains(makefile, part) {
			t.Errorf("image or make do not build with %s", part)
		}
	}
}

func TestSystemdUnit_IsHardened(t *testing.T) {
	t.Parallel()
	unit := read(t, "systemd/scimcms.service")
	for _, line := range []string{
		"ExecStart=/usr/local/bin/scimcms serve --config /etc/scimcms/scimcms.yaml",
		"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "Restart=always",
		"WantedBy=multi-user.target",
	} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the unit lacks %s", line)
		}
	}
}
