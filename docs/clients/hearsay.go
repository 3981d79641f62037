// Package hearsay is a client of hearsay in one file, for Go 1.18 and newer. Copy it, and change it as you like.
//
//	client := hearsay.New("", "") // HEARSAY_API, else the socket of the data directory
//	err := client.Put(ctx, "greeting", []byte("hello"), hearsay.Options{})
//	seen, err := client.Get(ctx, "greeting") // seen.Siblings > 1: a conflict; see Versions
//	err = client.Put(ctx, "greeting", []byte("good day"), hearsay.Options{Context: seen.Context}) // replaces what was read
package hearsay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Error is a refusal; Code is stable: NOT_FOUND, CONFLICT, EXISTS and so on.
type Error struct {
	Status       int
	Code, Detail string
}

func (e *Error) Error() string { return e.Code + ": " + e.Detail }

// Client calls one daemon. Any number of goroutines may use it.
type Client struct {
	base, token string
	http        *http.Client
}

// Options of a write. ID names it: repeated with the same ID after a lost connection, it is done once. TTL is "30s", Acks
// a number, "majority" or "all". All deletes every sibling.
type Options struct {
	Context, TTL, Acks, ID string
	IfAbsent, All          bool
}

// Shown is what a read shows; Context is the token of exactly that.
type Shown struct {
	Value    []byte
	Context  string
	Siblings int
}

// Version is one sibling, or an item of a list.
type Version struct{ Key, Value, Encoding, Dot, Node, Time string }

// Event is one change; watch with its Cursor to go on behind it. Value is nil for all but puts.
type Event struct {
	Key, Type, Field, Op, Dot, Node, Time, Cursor string
	Value, Encoding                               *string
}

// New makes a client of "unix:/path/to/api.sock", or of "http://host:port" with its token.
func New(api, token string) *Client {
	home, _ := os.UserHomeDir()
	base := first(os.Getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share"))
	data := first(os.Getenv("HEARSAY_DATA"), filepath.Join(base, "hearsay"))
	api = first(api, os.Getenv("HEARSAY_API"), "unix:"+filepath.Join(data, "api.sock"))
	if !strings.HasPrefix(api, "unix:") {
		return &Client{strings.TrimSuffix(api, "/"), first(token, os.Getenv("HEARSAY_TOKEN")), &http.Client{}}
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(api, "unix:"))
	}
	return &Client{"http://localhost", "", &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// call sends a request; fields are names and values in turn, of which empty ones are left out. A name in capitals is a header,
// any other a part of the query. Each part of the path is one segment: neither slashes nor dots in it mean anything.
func (c *Client) call(ctx context.Context, method string, parts []string, body []byte, fields ...string) (*http.Response, error) {
	path, query := "/v1", url.Values{}
	for _, part := range parts {
		path += "/" + strings.NewReplacer("+", "%20", ".", "%2E").Replace(url.QueryEscape(part))
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for at := 0; at < len(fields); at += 2 {
		if name, value := fields[at], fields[at+1]; value == "" {
			continue
		} else if name[0] < 'a' {
			request.Header.Set(name, value)
		} else {
			query.Set(name, value)
		}
	}
	request.URL.RawQuery = query.Encode()
	answer, err := c.http.Do(request)
	if err != nil || answer.StatusCode < 400 {
		return answer, err
	}
	defer answer.Body.Close()
	problem := &Error{Code: fmt.Sprintf("HTTP_%d", answer.StatusCode)}
	_ = json.NewDecoder(answer.Body).Decode(problem)
	problem.Status = answer.StatusCode
	return nil, problem
}

// into calls and reads the JSON of the answer; `into` may be nil.
func (c *Client) into(ctx context.Context, into any, method string, parts []string, body []byte, fields ...string) error {
	answer, err := c.call(ctx, method, parts, body, fields...)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (o Options) fields(more ...string) []string {
	flag := map[bool]string{true: "true"}
	return append(more, "Hearsay-Context", o.Context, "Idempotency-Key", o.ID, "ttl", o.TTL, "acks", o.Acks,
		"ifAbsent", flag[o.IfAbsent], "all", flag[o.All])
}

// Get reads what is shown.
func (c *Client) Get(ctx context.Context, key string) (*Shown, error) {
	answer, err := c.call(ctx, "GET", []string{"kv", key}, nil, "Accept", "application/octet-stream")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	value, err := io.ReadAll(answer.Body)
	siblings, _ := strconv.Atoi(first(answer.Header.Get("Hearsay-Siblings"), "1"))
	return &Shown{value, answer.Header.Get("Hearsay-Context"), siblings}, err
}

// Versions reads every sibling, and the context of all of them: put with that context to settle a conflict.
func (c *Client) Versions(ctx context.Context, key string) (versions []Version, of string, err error) {
	var all struct {
		Versions []Version
		Context  string
	}
	err = c.into(ctx, &all, "GET", []string{"kv", key}, nil, "Accept", "application/json")
	return all.Versions, all.Context, err
}

// Put stores a value, durably.
func (c *Client) Put(ctx context.Context, key string, value []byte, o Options) error {
	return c.into(ctx, nil, "PUT", []string{"kv", key}, value, o.fields("Content-Type", "application/octet-stream")...)
}

// Delete deletes a key; one with siblings needs the Context of Versions, or All.
func (c *Client) Delete(ctx context.Context, key string, o Options) error {
	return c.into(ctx, nil, "DELETE", []string{"kv", key}, nil, o.fields()...)
}

// List calls back with each key below a prefix and its value, in order.
func (c *Client) List(ctx context.Context, prefix string, each func(Version)) error {
	for after := ""; ; {
		var page struct {
			Items []Version
			Next  *string
		}
		if err := c.into(ctx, &page, "GET", []string{"kv"}, nil, "prefix", prefix, "after", after, "values", "true"); err != nil {
			return err
		}
		for _, item := range page.Items {
			each(item)
		}
		if page.Next == nil {
			return nil
		}
		after = *page.Next
	}
}

// Increment adds to a counter and gives its value.
func (c *Client) Increment(ctx context.Context, key string, by int64, o Options) (int64, error) {
	var counted struct{ Value json.Number }
	body := []byte(fmt.Sprintf(`{"by":%d}`, by))
	if err := c.into(ctx, &counted, "POST", []string{"counters", key}, body, o.fields("Content-Type", "application/json")...); err != nil {
		return 0, err
	}
	return counted.Value.Int64()
}

// Add adds a member to a set, Remove removes one.
func (c *Client) Add(ctx context.Context, key, member string, o Options) error {
	return c.into(ctx, nil, "PUT", []string{"sets", key, member}, nil, o.fields()...)
}

// Remove removes a member from a set.
func (c *Client) Remove(ctx context.Context, key, member string, o Options) error {
	return c.into(ctx, nil, "DELETE", []string{"sets", key, member}, nil, o.fields()...)
}

// Members lists a set whose members are text.
func (c *Client) Members(ctx context.Context, key string) ([]string, error) {
	var set struct{ Members []string }
	err := c.into(ctx, &set, "GET", []string{"sets", key}, nil)
	return set.Members, err
}

// Watch calls back with each change, until the connection or the context ends; call it again with the last cursor.
func (c *Client) Watch(ctx context.Context, prefix, since string, each func(Event)) error {
	answer, err := c.call(ctx, "GET", []string{"watch"}, nil, "prefix", prefix, "since", since)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	cursor := since
	for lines := bufio.NewReader(answer.Body); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if name == "id" {
			cursor = text
		} else if name == "data" {
			event := Event{Cursor: cursor}
			if err := json.Unmarshal([]byte(text), &event); err != nil {
				return err
			}
			each(event)
		}
	}
}
