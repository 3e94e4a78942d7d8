package command

import "testing"

func TestAClientIsKilledOnce(t *testing.T) {
	b := newBench(t, nil)
	b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	for _, want := range []string{":1\r\n", ":0\r\n"} {
		if got := b.do("CLIENT", "KILL", "ADDR", "127.0.0.1:6"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := b.do("CLIENT", "KILL", "127.0.0.1:6"); got != "-"+errNoClient+"\r\n" {
		t.Errorf("the old form: %q", got)
	}
}

func TestWhatAKilledClientStillSendsDoesNotRunAndEndsIt(t *testing.T) {
	b := newBench(t, nil)
	victim := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	if got := b.do("CLIENT", "KILL", "127.0.0.1:6"); got != "+OK\r\n" {
		t.Fatal(got)
	}
	// The connection hears of it later; a session whose turn is neither Done nor Bye asks again and again.
	out, turn := b.x.Run(victim, [][][]byte{words([]string{"PING"})}, nil)
	if len(out) > 0 || turn != (Turn{Next: Bye}) {
		t.Errorf("%q, turn %+v", out, turn)
	}
}
