package persist

import (
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/engine"
)

// clusteredStart is a start of a node whose peers answer as confirm says. confirm nil: the node has no peers.
type clusteredStart struct {
	t     *testing.T
	files *vfs.Memory
	run   uint64
	asked *disk.Identity // the identity that peers were asked about
}

func (c *clusteredStart) open(peers, confirm bool) *Store {
	c.t.Helper()
	c.run++
	c.asked = nil
	o := smallOptions(c.files, slog.New(slog.DiscardHandler))
	o.Run, o.Peers = c.run, peers
	if peers {
		o.Engine.HashKey = [2]uint64{77, 78} // the hash key of the cluster
		o.Confirm = func(before disk.Identity, run uint64) bool {
			if run != c.run {
				c.t.Errorf("asked for run %d, not %d", run, c.run)
			}
			c.asked = &before
			return confirm
		}
	}
	s, err := open(o)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func (c *clusteredStart) stop(s *Store) {
	c.t.Helper()
	if err := s.closeClean(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	_ = s.db.Close()
	c.files = c.files.Kill()
}

func (c *clusteredStart) kill(s *Store) {
	_ = s.db.Close()
	c.files = c.files.Kill()
}

func TestALifeWithPeersGoesOnIfTheyConfirmIt(t *testing.T) {
	c := &clusteredStart{t: t, files: vfs.NewMemory(64)}
	life := uint64(0)
	start := func(what string, peers, confirm, asked, goesOn bool) *Store {
		t.Helper()
		before := c.run
		s := c.open(peers, confirm)
		if got := s.identity.Life == life; got != goesOn {
			t.Errorf("%s: the life goes on: %v", what, got)
		}
		if (c.asked != nil) != asked {
			t.Errorf("%s: peers were asked: %v", what, c.asked)
		}
		if asked && (c.asked.Life != life || c.asked.Clustered && c.asked.Run != before) {
			t.Errorf("%s: asked of %+v after life %x, run %d", what, *c.asked, life, before)
		}
		if life = s.identity.Life; s.db.Writers(0)[0].Life != life {
			t.Errorf("%s: it counts under another life", what)
		}
		return s
	}
	c.stop(start("new, without peers", false, false, false, false))
	c.stop(start("again without peers", false, false, false, true))
	c.stop(start("the first with peers", true, false, true, false))
	c.stop(start("confirmed", true, true, true, true))
	c.stop(start("confirmed again", true, true, true, true))
	c.stop(start("not confirmed", true, false, true, false))
	c.kill(start("confirmed, and killed", true, true, true, true))
	c.stop(start("killed", true, true, false, false))
	c.stop(start("without peers, of whom it has had some", false, false, false, false))
	c.stop(start("still without", false, false, false, false))
	c.stop(start("with peers again", true, true, true, true))
}

// TestTheHashOfAClusterTakesTheDirectorysPlace loads directories that were written in the order of another hash key.
func TestTheHashOfAClusterTakesTheDirectorysPlace(t *testing.T) {
	for name, make := range libraries {
		t.Run(name, func(t *testing.T) {
			l := newLibrary(t)
			make(l)
			plain, err := l.open(l.files.Kill())
			if err != nil {
				t.Fatal(err)
			}
			c := &clusteredStart{t: t, files: l.files.Kill()}
			for range 3 { // the later ones load a snapshot in the new order
				s := c.open(true, true)
				if got := visible(s); !equal(got, plain.state) {
					t.Errorf("got %v, not %v", got, plain.state)
				}
				if s.identity.Hash != [2]uint64{77, 78} || s.db.Key([]byte("a")).Hash != hashOf(t, [2]uint64{77, 78}, "a") {
					t.Error("not the hash of the cluster")
				}
				f := s.flusher
				f.spawn = func(fn func()) { fn() }
				s.walkBytes = 64
				if err := f.startWalk(true, nil); err != nil {
					t.Fatal(err)
				}
				f.endWalk(<-f.walked)
				c.stop(s)
			}
			s := c.open(false, false)
			defer s.db.Close()
			if got := visible(s); !equal(got, plain.state) || s.identity.Hash != [2]uint64{77, 78} {
				t.Errorf("without peers: got %v, not %v", got, plain.state)
			}
		})
	}
}

func hashOf(t *testing.T, key [2]uint64, name string) uint64 {
	db, err := engine.Open(engine.Options{Shards: 1, HashKey: key, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return db.Key([]byte(name)).Hash
}

// TestToolsLeaveWhatIsKnownOfPeersAlone: a backup, which has no identity, does not contain it, but does contain that
// there were peers.
func TestToolsLeaveWhatIsKnownOfPeersAlone(t *testing.T) {
	c := &clusteredStart{t: t, files: vfs.NewMemory(64)}
	s := c.open(true, true)
	if err := disk.WritePeers(c.files, testDir, []byte("lives")); err != nil {
		t.Fatal(err)
	}
	c.stop(s)
	if text, err := disk.ReadPeers(c.files, testDir); err != nil || string(text) != "lives" {
		t.Errorf("%q, %v", text, err)
	}
	if report, err := Check(c.files, testDir); err != nil || !report.Clustered || report.Run != c.run {
		t.Errorf("%+v, %v", report, err)
	}
	for out, copy := range map[string]func() error{
		"/backup":  func() error { return Backup(c.files, testDir, "/backup") },
		"/salvage": func() error { _, err := Salvage(c.files, testDir, "/salvage"); return err },
	} {
		if err := copy(); err != nil {
			t.Error(err)
		}
		if text, err := disk.ReadPeers(c.files, out); err != nil || text != nil {
			t.Errorf("%s: %q, %v", out, text, err)
		}
		if report, err := Check(c.files, out); err != nil || !report.Clustered || report.Node != 0 || report.Run != 0 {
			t.Errorf("%s: %+v, %v", out, report, err)
		}
	}
}

// TestPeersAreRememberedThroughACrash: what WritePeers has written is safe. A crash at any operation leaves the text
// before or the one after.
func TestPeersAreRememberedThroughACrash(t *testing.T) {
	for at := range 20 {
		files := vfs.NewMemory(64)
		if err := files.MkdirAll(testDir); err != nil {
			t.Fatal(err)
		}
		ops := 0
		files.SetFault(func(_ vfs.Op, _ string, size int) (int, error) {
			if ops++; ops > at {
				return size / 2, vfs.ErrCrashed
			}
			return size, nil
		})
		said := ""
		for _, text := range []string{"one", "another", "a third"} {
			if disk.WritePeers(files, testDir, []byte(text)) != nil {
				break
			}
			said = text
		}
		for seed := range uint64(20) {
			text, err := disk.ReadPeers(files.Crash(rand.New(rand.NewPCG(seed, 1))), testDir)
			next := map[string]string{"": "one", "one": "another", "another": "a third", "a third": "a third"}[said]
			if err != nil || string(text) != said && string(text) != next {
				t.Fatalf("operation %d: %q after %q, %v", at, text, said, err)
			}
		}
	}
}
