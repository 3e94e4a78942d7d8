package disk

import (
	"errors"
	"strings"
	"testing"
)

func TestManifestsOfNodesWithoutPeersAreAsBefore(t *testing.T) {
	before := "quotadb 1\nlife 1 8f3a93c1d2e4b5a6\nstart 7\nhash 1b2c3d4e5f60718 29a0b1c2d3e4f506\nclock 1764000000000 86400\n" +
		"stopped clean\nsnapshot 7 120034 5000\nlog 7 3000041\n"
	sealed := func(text string) []byte {
		m := &manifest{}
		for line := range strings.Lines(text) {
			m.parseLine(strings.Fields(line))
		}
		return m.text()
	}
	text := sealed(before)
	if !strings.HasPrefix(string(text), before+"crc ") {
		t.Fatalf("got %s", text)
	}
	m, err := parseManifest(text)
	if err != nil || m.Clustered || m.Run != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	m.Clustered, m.Run = true, 1<<63
	clustered := m.text()
	if !strings.HasPrefix(string(clustered), "quotadb 2\n") {
		t.Errorf("an older release would read %s", clustered)
	}
	if again, err := parseManifest(clustered); err != nil || !again.Clustered || again.Run != 1<<63 || again.Life != m.Life {
		t.Errorf("%+v, %v", again, err)
	}
	for bit := range len(clustered) * 8 {
		flipped := append([]byte(nil), clustered...)
		flipped[bit/8] ^= 1 << (bit % 8)
		if _, err := parseManifest(flipped); err == nil || errors.Is(err, ErrVersion) {
			t.Fatalf("bit %d: %v", bit, err)
		}
	}
}
