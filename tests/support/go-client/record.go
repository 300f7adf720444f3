// Prints the requests of a Go client of claudebox's HTTP API as net/http writes them, as JSON.
// Run: go run record.go > requests.json
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	base  = "http://127.0.0.1:8080"
	token = "cs_the-token-of-the-test"
)

// The members of a run in the order in which the client's struct has them; empty ones are left out.
type run struct {
	Prompt             string `json:"prompt"`
	Workspace          string `json:"workspace,omitempty"`
	Model              string `json:"model,omitempty"`
	SystemPrompt       string `json:"systemPrompt,omitempty"`
	AppendSystemPrompt string `json:"appendSystemPrompt,omitempty"`
	JSONSchema         string `json:"jsonSchema,omitempty"`
	Effort             string `json:"effort,omitempty"`
	OutputFormat       string `json:"outputFormat,omitempty"`
	NoContinue         bool   `json:"noContinue,omitempty"`
	Resume             string `json:"resume,omitempty"`
	FireAndForget      bool   `json:"fireAndForget,omitempty"`
}

type asyncRun struct {
	run
	Async bool `json:"async"`
}

// A connection that keeps what is written to it.
type tap struct {
	net.Conn
	mutex sync.Mutex
	sent  bytes.Buffer
}

func (t *tap) Write(data []byte) (int, error) {
	t.mutex.Lock()
	t.sent.Write(data)
	t.mutex.Unlock()
	return t.Conn.Write(data)
}

type recorded struct {
	Name  string `json:"name"`
	Bytes string `json:"bytes"`
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "{}")
	}))
	defer server.Close()
	var list []recorded
	send := func(name, method, path string, body io.Reader, isJSON bool, more ...string) {
		var taps []*tap
		transport := &http.Transport{
			ExpectContinueTimeout: 5 * time.Second,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				conn, err := net.Dial(network, strings.TrimPrefix(server.URL, "http://"))
				t := &tap{Conn: conn}
				taps = append(taps, t)
				return t, err
			},
		}
		request, err := http.NewRequest(method, base+path, body)
		check(err)
		if isJSON {
			request.Header.Set("Content-Type", "application/json")
		}
		request.Header.Set("Authorization", "Bearer "+token)
		for i := 0; i < len(more); i += 2 {
			request.Header.Set(more[i], more[i+1])
		}
		answer, err := (&http.Client{Transport: transport}).Do(request)
		check(err)
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		transport.CloseIdleConnections()
		list = append(list, recorded{name, taps[0].sent.String()})
	}
	asJSON := func(value any) io.Reader {
		data, err := json.Marshal(value)
		check(err)
		return bytes.NewReader(data)
	}
	send("health", "GET", "/health", nil, false)
	send("status", "GET", "/status", nil, false)
	send("put", "PUT", "/files/p/café/a b.json", bytes.NewReader([]byte("{\"half of")), false)
	send("put chunked", "PUT", "/files/p/chunked", struct{ io.Reader }{strings.NewReader("in pieces")}, false)
	send("put expect", "PUT", "/files/p/expected", strings.NewReader("after 100"), false, "Expect", "100-continue")
	send("put empty", "PUT", "/files/p/empty", bytes.NewReader(nil), false)
	send("list", "GET", "/files/p/café", nil, false)
	send("list root", "GET", "/files", nil, false)
	send("read", "GET", "/files/p/café/a b.json", nil, false)
	send("run", "POST", "/run", asJSON(&run{
		Prompt: "<GO> & \u2028é", Workspace: "p", Model: "haiku", SystemPrompt: "be short",
		AppendSystemPrompt: "and kind", Effort: "low", OutputFormat: "json-verbose", NoContinue: true,
	}), true)
	send("run map", "POST", "/run", asJSON(map[string]any{
		"prompt": "MAP", "workspace": "p", "no_continue": true, "model": "haiku", "async": false,
	}), true)
	send("run async", "POST", "/run", asJSON(&asyncRun{run{Prompt: "silent", Workspace: "p"}, true}), true)
	send("result", "GET", "/run/result?runId="+url.QueryEscape("0123456789abcdef"), nil, false)
	send("cancel run", "POST", "/run/cancel?runId="+url.QueryEscape("0123456789abcdef"), nil, false)
	send("cancel", "POST", "/run/cancel?workspace="+url.QueryEscape("p"), nil, false)
	send("cancel idle", "POST", "/run/cancel", nil, false)
	send("delete", "DELETE", "/files/p/café/a b.json", nil, false)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	check(out.Encode(list))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
