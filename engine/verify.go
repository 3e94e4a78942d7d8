package engine

import "github.com/quotadb/quota-db/crdt"

// Verify checks whether Load would accept these records, without a DB, and returns the number of keys. The Loader needs
// only the field Writers. Errors: those of Load.
func (l *Loader) Verify(records []byte) (n int, err error) {
	for ; len(records) > 0; n++ {
		if records, err = l.verifyOne(records); err == nil {
			err = l.renumber()
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Filter appends to dst the records of those keys whose writers are all known, and returns how many keys they are. The
// rows in dst have the numbers from Writers, which must increase with the old ones. Errors: those of Load.
func (l *Loader) Filter(dst, records []byte) (_ []byte, n int, err error) {
	for len(records) > 0 {
		if records, err = l.verifyOne(records); err != nil {
			return dst, n, err
		}
		if l.renumber() != nil {
			continue
		}
		if l.quoted {
			dst = appendTokens(dst, &l.tokens, l.reserve)
		}
		dst = crdt.AppendRecord(dst, l.name, &l.entry)
		n++
	}
	return dst, n, nil
}

// verifyOne decodes and checks the records of the first key. Errors: those of Load.
func (l *Loader) verifyOne(records []byte) (rest []byte, err error) {
	if rest, err = l.decode(records); err == nil && l.quoted {
		err = l.checkTokens()
	}
	return rest, err
}
