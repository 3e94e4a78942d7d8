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
	scan := func() uint64 { // never two at a time, or the race detector says so
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
	if value, done := ds.answer(first); value != 1 || !done {
		t.Errorf("the first got %d, %v", value, done)
	}
	for _, d := range later {
		if value, done := ds.answer(d); value != 2 || !done {
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
