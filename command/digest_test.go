package command

import (
	"strings"
	"sync"
	"testing"
)

func TestDigestsAreScannedOneAtATimeForAllWhoAsk(t *testing.T) {
	var ds digests
	var background sync.WaitGroup
	scans, hold := 0, make(chan struct{})
	scan := func() uint64 { // two scans at the same time would be a data race
		<-hold
		scans++
		return uint64(scans)
	}
	ask := func() *digest { return ds.ask(scan, &background, &Client{}) }
	first := ask()
	var later []*digest
	for range maxDigestWaiting {
		later = append(later, ask())
	}
	if ask() != nil {
		t.Error("there is no bound to those who wait")
	}
	close(hold)
	background.Wait()
	if value, done, _ := ds.answer(first); value != 1 || !done {
		t.Errorf("the first got %d, %v", value, done)
	}
	for _, d := range later {
		if value, done, _ := ds.answer(d); value != 2 || !done {
			t.Fatalf("one who asked during the first scan got %d, %v; want that of the next", value, done)
		}
	}
	if scans != 2 {
		t.Errorf("%d scans for %d questions", scans, 1+len(later))
	}
}

func TestClusterDigestIsForAdministrators(t *testing.T) {
	b := newBench(t, nil)
	for _, category := range []string{"admin", "dangerous"} {
		if got := b.do("ACL", "CAT", category); !strings.Contains(got, "cluster|digest") {
			t.Errorf("it is not in %s", category)
		}
	}
}

// TestAStopWaitsForNoDigest: clients that wait get an error, and no scan follows the running one.
func TestAStopWaitsForNoDigest(t *testing.T) {
	b := newBench(t, nil)
	hold, scans := make(chan struct{}), 0
	b.digests.ask(func() uint64 { <-hold; scans++; return 1 }, &b.background, b.client)
	if got := b.run(b.client, batchOf("CLUSTER DIGEST")); got != "" {
		t.Errorf("%q at once", got)
	}
	b.End()
	if got, want := b.run(b.client, nil), "-"+errDigestEnds+"\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	close(hold)
	b.Wait()
	if scans != 1 || b.digests.running != nil || b.digests.next != nil {
		t.Errorf("%d scans, and one is left %v", scans, b.digests.running != nil)
	}
	if got, want := b.run(b.client, batchOf("CLUSTER DIGEST")), "-"+errDigestEnds+"\r\n"; got != want {
		t.Errorf("asked during the stop: %q, want %q", got, want)
	}
}
