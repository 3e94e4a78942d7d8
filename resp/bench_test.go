package resp

import (
	"bytes"
	"fmt"
	"testing"
)

// incrPipeline is n times INCR of one of 10,000 keys of 20 bytes.
func incrPipeline(n int) []byte {
	var b []byte
	for i := range n {
		b = fmt.Appendf(b, "*2\r\n$4\r\nINCR\r\n$20\r\nkey:%016d\r\n", i*7919%10000)
	}
	return b
}

// readRound reads a chunk as a session does and returns how many commands it had.
func readRound(r *Reader, chunk []byte) (commands int, err error) {
	r.Feed(chunk)
	for {
		args, err := r.Next()
		if args == nil {
			r.Keep()
			return commands, err
		}
		commands++
	}
}

// BenchmarkReaderIncr has a round of one command, of 16 and of 128: the time is that of one command.
func BenchmarkReaderIncr(b *testing.B) {
	for _, depth := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("pipeline=%d", depth), func(b *testing.B) {
			chunk := incrPipeline(depth)
			r := new(Scratch).NewReader(DefaultLimits())
			b.SetBytes(int64(len(chunk) / depth))
			b.ReportAllocs()
			for n := 0; n < b.N; n += depth {
				if got, err := readRound(r, chunk); got != depth || err != nil {
					b.Fatal(got, err)
				}
			}
		})
	}
}

// BenchmarkReaderSplit has every chunk end within a command: what joining costs, spread over the commands.
func BenchmarkReaderSplit(b *testing.B) {
	const depth = 64
	stream := incrPipeline(depth)
	stream = append(stream[20:], stream[:20]...) // begins and ends in one command
	r := new(Scratch).NewReader(DefaultLimits())
	if _, err := readRound(r, incrPipeline(1)[:20]); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(stream) / depth))
	b.ReportAllocs()
	for n := 0; n < b.N; n += depth {
		if got, err := readRound(r, stream); got != depth || err != nil {
			b.Fatal(got, err)
		}
	}
}

// BenchmarkReaderLongArgument has 16 MiB in chunks of 64 KiB.
func BenchmarkReaderLongArgument(b *testing.B) {
	const size = 16 << 20
	stream := append(fmt.Appendf(nil, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n", size), make([]byte, size+2)...)
	benchmarkChunks(b, stream)
}

// BenchmarkReaderManyArguments has 1<<20 arguments in chunks of 64 KiB.
func BenchmarkReaderManyArguments(b *testing.B) {
	stream := append(fmt.Appendf(nil, "*%d\r\n", 1<<20), bytes.Repeat([]byte("$3\r\nkey\r\n"), 1<<20)...)
	benchmarkChunks(b, stream)
}

func benchmarkChunks(b *testing.B, stream []byte) {
	const chunkBytes = 64 << 10
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(DefaultLimits())
		commands := 0
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), chunkBytes)
			got, err := readRound(r, rest[:n])
			if err != nil {
				b.Fatal(err)
			}
			commands += got
			rest = rest[n:]
		}
		if commands != 1 {
			b.Fatal(commands)
		}
	}
}

func BenchmarkReaderInline(b *testing.B) {
	const depth = 16
	chunk := bytes.Repeat([]byte("PING\r\n"), depth)
	r := new(Scratch).NewReader(DefaultLimits())
	b.ReportAllocs()
	for n := 0; n < b.N; n += depth {
		if got, err := readRound(r, chunk); got != depth || err != nil {
			b.Fatal(got, err)
		}
	}
}
