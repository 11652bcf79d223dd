// What Ollama does with a template and a Modelfile, for the tests: a JSON object on stdin, its answer on stdout.
//
// A template gets .System, all system messages together, and .Messages, where neighbours of the same role are one
// message and the system messages stand too. The model's own system prompt goes first unless the conversation begins
// with one. A Modelfile is read rune by rune: what isn't printable is lost, and a value in quotes ends at a line break
// before which the quotes close.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/template"
	"time"
)

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type request struct {
	Template      string      `json:"template"`
	System        string      `json:"system"`
	Conversations [][]message `json:"conversations"`
	Modelfile     string      `json:"modelfile"`
}

type answer struct {
	Prompts  []string    `json:"prompts"`
	Commands [][2]string `json:"commands"`
}

func date(days int) func(...string) string {
	return func(...string) string { return time.Now().AddDate(0, 0, days).Format("2006-01-02") }
}

func asJSON(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

var functions = template.FuncMap{"json": asJSON, "currentDate": date(0), "yesterdayDate": date(-1)}

// collated returns the joined system messages and the conversation with neighbours of one role made one.
func collated(conversation []message) (string, []*message) {
	var systems []string
	var merged []*message
	for _, said := range conversation {
		if said.Role == "system" {
			systems = append(systems, said.Content)
		}
		if n := len(merged); n > 0 && merged[n-1].Role == said.Role && said.Role != "tool" {
			merged[n-1].Content += "\n\n" + said.Content
			continue
		}
		own := said
		merged = append(merged, &own)
	}
	return strings.Join(systems, "\n\n"), merged
}

func prompt(parsed *template.Template, system string, conversation []message) (string, error) {
	if system != "" && conversation[0].Role != "system" {
		conversation = append([]message{{"system", system}}, conversation...)
	}
	joined, messages := collated(conversation)
	var text strings.Builder
	err := parsed.Execute(&text, map[string]any{
		"System": joined, "Messages": messages, "Tools": nil, "Response": "", "Think": false, "IsThinkSet": false})
	return text.String(), err
}

// unquoted is the value of a command, and whether its quotes are closed.
func unquoted(text string) (string, bool) {
	text = strings.TrimSpace(text)
	for _, quotes := range []string{`"""`, `"`} {
		if !strings.HasPrefix(text, quotes) {
			continue
		}
		if len(text) >= 2*len(quotes) && strings.HasSuffix(text, quotes) {
			return text[len(quotes) : len(text)-len(quotes)], true
		}
		return "", false
	}
	return text, true
}

// word cuts the first word off, up to a blank.
func word(text string) (string, string, error) {
	end := strings.IndexAny(text, " \t\r\n")
	if end < 0 || text[end] == '\n' || text[end] == '\r' {
		return "", "", fmt.Errorf("a command without a value: %q", text)
	}
	return text[:end], text[end+1:], nil
}

// value reads up to the line break at which the quotes are closed.
func value(text string) (string, string, error) {
	var kept strings.Builder
	for i, letter := range text {
		if letter == '\n' || letter == '\r' {
			if found, closed := unquoted(kept.String()); closed {
				return found, text[i+1:], nil
			}
		}
		if strconv.IsPrint(letter) || strings.ContainsRune("\t\r\n", letter) {
			kept.WriteRune(letter)
		}
	}
	found, closed := unquoted(kept.String())
	if !closed {
		return "", "", errors.New("quotes that never close")
	}
	return found, "", nil
}

var known = map[string]bool{"from": true, "template": true, "system": true, "parameter": true}

func commands(text string) ([][2]string, error) {
	var found [][2]string
	for text = strings.TrimLeft(text, " \t\r\n"); text != ""; text = strings.TrimLeft(text, " \t\r\n") {
		name, rest, err := word(text)
		if err == nil && !known[strings.ToLower(name)] {
			err = fmt.Errorf("no command: %q", name)
		}
		if err == nil && strings.ToLower(name) == "parameter" {
			name, rest, err = word(rest)
		}
		if err != nil {
			return nil, err
		}
		said, after, err := value(rest)
		if err != nil {
			return nil, err
		}
		found, text = append(found, [2]string{strings.ToLower(name), said}), after
	}
	return found, nil
}

func answered(asked request) (answer, error) {
	read, err := commands(asked.Modelfile)
	if err != nil {
		return answer{}, err
	}
	parsed, err := template.New("").Option("missingkey=zero").Funcs(functions).Parse(asked.Template)
	if err != nil {
		return answer{}, err
	}
	said := answer{Commands: read}
	for _, conversation := range asked.Conversations {
		text, err := prompt(parsed, asked.System, conversation)
		if err != nil {
			return answer{}, err
		}
		said.Prompts = append(said.Prompts, text)
	}
	return said, nil
}

func main() {
	var asked request
	err := json.NewDecoder(os.Stdin).Decode(&asked)
	if err == nil {
		var said answer
		if said, err = answered(asked); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(said)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
