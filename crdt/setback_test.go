package crdt

import (
	"testing"

	"pgregory.net/rapid"
)

func TestStampsOfAWrongFutureAreBroughtBackInTheirOrder(t *testing.T) {
	const now, horizon = 1_000_000, 1_000_000 + 3_600_000
	rapid.Check(t, func(t *rapid.T) {
		stamp := func(name string) Stamp {
			ms := rapid.SampledFrom([]uint64{0, now - 5, now + 5, horizon, horizon + 1, horizon + 2, 2 * horizon}).Draw(t, name)
			low := rapid.Uint64Range(0, 15).Draw(t, name+" low")
			return Stamp{ms<<msShift | low, uint16(rapid.IntRange(1, 2).Draw(t, name+" node"))}
		}
		before := Entry{Base: Base{Kind: Integer, Int: 7, Stamp: stamp("base")}, Deadline: Deadline{At: 9 * horizon, Stamp: stamp("deadline")}, Quota: Quota{Stamp: stamp("quota")}}
		after := before
		had := before.Latest().Millis() > horizon
		if after.SetBack(horizon, now) != had {
			t.Fatal("it does not say whether there was anything to bring back")
		}
		a := []Stamp{before.Base.Stamp, before.Deadline.Stamp, before.Quota.Stamp}
		b := []Stamp{after.Base.Stamp, after.Deadline.Stamp, after.Quota.Stamp}
		for i := range a {
			if b[i].Millis() > horizon || b[i].Node != a[i].Node || b[i].Time&noTime != a[i].Time&noTime {
				t.Fatalf("%v became %v", a[i], b[i])
			}
			if a[i].Millis() <= horizon && b[i] != a[i] {
				t.Fatalf("%v, which is not late, became %v", a[i], b[i])
			}
			for j := range a {
				if a[i].compare(a[j]) != b[i].compare(b[j]) {
					t.Fatalf("%v and %v are in another order as %v and %v", a[i], a[j], b[i], b[j])
				}
			}
		}
		if moved := before.Deadline.At - after.Deadline.At; moved != before.Deadline.Stamp.Millis()-after.Deadline.Stamp.Millis() {
			t.Fatalf("the deadline was brought back by %d", moved)
		}
	})
}

func TestADeadlineThatIsBroughtBackIsStillOne(t *testing.T) {
	const now, ahead = 1_700_000_000_000, 11_000_000_000_000
	e := Entry{Base: Base{Kind: Integer, Int: 1, Stamp: Stamp{Time: now << msShift, Node: 1}},
		Deadline: Deadline{At: now + 5000, Stamp: Stamp{Time: (now + ahead) << msShift, Node: 1}}}
	if !e.SetBack(now+1000, now) || e.Deadline.At != 1 {
		t.Errorf("the deadline is %d", e.Deadline.At)
	}
	var again Entry
	if _, _, err := DecodeRecord(AppendRecord(nil, []byte("k"), &e), &again); err != nil {
		t.Errorf("what is stored is refused: %v", err)
	}
}
