package scan

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what scanning one image may cost. A zero field takes the default named beside it. Whatever a limit cuts
// off becomes a lossy Note.
type Limits struct {
	LayerBytes   int64         // uncompressed bytes of one layer: 32 GiB
	ImageBytes   int64         // uncompressed bytes of all layers that are read: 64 GiB
	Ratio        int64         // uncompressed to compressed bytes, above which a layer past RatioFloor is given up: 200
	RatioFloor   int64         // 1 GiB
	LayerEntries int64         // archive entries of one layer: 1,000,000
	ImageEntries int64         // archive entries of all layers: 5,000,000
	PathBytes    int           // length of one path: 4096
	FileBytes    int64         // size of a file that is looked into: 512 MiB
	FileInMemory int64         // larger files wait in an unlinked temporary file: 24 MiB
	Memory       int64         // file contents held in memory, all layers together: 24 MiB
	Disk         int64         // file contents held in temporary files, all layers together: 1 GiB
	ArchiveBytes int64         // uncompressed bytes read from inside one Java or Python archive: 256 MiB
	ArchiveDepth int           // archives within archives: 16
	FileTime     time.Duration // reading one file's components: 30 s
	LayerTime    time.Duration // reading components of all files of one layer: 5 min
	Components   int           // found in one layer: 200,000
	ImageText    int64         // bytes of names, paths and the like that are kept of all layers: 64 MiB
}

func (l Limits) withDefaults() Limits {
	return Limits{
		LayerBytes:   cmp.Or(l.LayerBytes, 32<<30),
		ImageBytes:   cmp.Or(l.ImageBytes, 64<<30),
		Ratio:        cmp.Or(l.Ratio, 200),
		RatioFloor:   cmp.Or(l.RatioFloor, 1<<30),
		LayerEntries: cmp.Or(l.LayerEntries, 1_000_000),
		ImageEntries: cmp.Or(l.ImageEntries, 5_000_000),
		PathBytes:    cmp.Or(l.PathBytes, 4096),
		FileBytes:    cmp.Or(l.FileBytes, 512<<20),
		FileInMemory: cmp.Or(l.FileInMemory, 24<<20),
		Memory:       cmp.Or(l.Memory, 24<<20),
		Disk:         cmp.Or(l.Disk, 1<<30),
		ArchiveBytes: cmp.Or(l.ArchiveBytes, 256<<20),
		ArchiveDepth: cmp.Or(l.ArchiveDepth, 16),
		FileTime:     cmp.Or(l.FileTime, 30*time.Second),
		LayerTime:    cmp.Or(l.LayerTime, 5*time.Minute),
		Components:   cmp.Or(l.Components, 200_000),
		ImageText:    cmp.Or(l.ImageText, 64<<20),
	}
}

// A tally is what reading the layers of one image has cost so far.
type tally struct {
	bytes   atomic.Int64 // uncompressed, of layers that are read
	entries atomic.Int64
	text    atomic.Int64
}

// fingerprint keeps results made under different limits apart in the cache.
func (l Limits) fingerprint() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", l))
	return hex.EncodeToString(sum[:4])
}

// A budget is an amount of bytes that many may take from and must give back.
type budget struct {
	mu    sync.Mutex
	size  int64
	free  int64
	freed chan struct{} // closed when bytes come back while somebody waits
}

func newBudget(size int64) *budget {
	return &budget{size: size, free: size, freed: make(chan struct{})}
}

// take waits until n bytes are free. A wish larger than the whole budget is granted when nobody else holds any.
func (b *budget) take(ctx context.Context, n int64) (release func(), err error) {
	n = min(n, b.size)
	for {
		b.mu.Lock()
		if b.free >= n {
			b.free -= n
			b.mu.Unlock()
			return sync.OnceFunc(func() { b.give(n) }), nil
		}
		wait := b.freed
		b.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	close(b.freed)
	b.freed = make(chan struct{})
}
