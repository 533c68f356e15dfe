package assess

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// A Basis is what an assessment rests on besides the image. Servers may hold different advisories; those brought up to date
// last are the better ones. The rest is the database's, and so the same for all servers.
type Basis struct {
	Data       time.Time // when the advisories, or what belongs to them, last came or were found current; zero: there were none
	VEX        string    // names the set of VEX documents
	Exceptions string    // names those in force
	Policies   string    // names those of the build stage, and which of their exclusions are in force
}

func dataAsOf(st vuln.Status) time.Time {
	at := st.Imported
	later := func(t time.Time) {
		if t.After(at) {
			at = t
		}
	}
	for _, e := range st.Ecosystems {
		later(e.AsOf())
	}
	for _, t := range []*vuln.TableStatus{st.EPSS, st.KnownExploited} {
		if t != nil {
			later(t.AsOf())
		}
	}
	return at
}

// Outdates reports whether an assessment that rests on was can be brought up to date.
func (b Basis) Outdates(was Basis) bool {
	return was.Data.Before(b.Data) || was.VEX != b.VEX || was.Exceptions != b.Exceptions || was.Policies != b.Policies
}

// After is b on top of was: the better advisories of the two.
func (b Basis) After(was Basis) Basis {
	if b.Data.Before(was.Data) {
		b.Data = was.Data
	}
	return b
}

// since says what is different from another basis, as causes of a change.
func (b Basis) since(was Basis) (because []string) {
	if !b.Data.Equal(was.Data) {
		because = append(because, BecauseAdvisories)
	}
	if b.VEX != was.VEX {
		because = append(because, BecauseVEX)
	}
	if b.Exceptions != was.Exceptions {
		because = append(because, BecauseExceptions)
	}
	// Where their name was not kept, they may be the same: another cause explains more.
	if b.Policies != was.Policies && (was.Policies != "" || len(because) == 0) {
		because = append(because, BecausePolicies)
	}
	return because
}

// A Matching is what is known of how an assessment was matched.
type Matching struct {
	ID string // of the assessment
	Basis
	Check    Check
	Packages []byte // what was matched
	Found    []byte // a hash of what that gave; empty when it is not known
	Subject  []byte // what exceptions may touch; empty when it is not known
	Touched  string // names the exceptions that may
}

// Recheck puts in place what another match altered, though it found the same.
func (a *Assessment) Recheck(c Check) {
	a.Check = c
	if c.Data == nil {
		return
	}
	asOf := map[string]time.Time{}
	for _, e := range c.Data.Ecosystems {
		asOf[e.Name] = e.AsOf()
	}
	for i := range a.Findings {
		a.Findings[i].SourceAsOf = asOf[a.Findings[i].Source]
	}
	for i := range a.Suppressed {
		a.Suppressed[i].SourceAsOf = asOf[a.Suppressed[i].Source]
	}
}

// Rematching says how far the stored images are judged by what this server knows newest.
type Rematching struct {
	Done   int        `json:"done" doc:"images that rest on them"`
	Total  int        `json:"total" doc:"stored images"`
	DataOf *time.Time `json:"dataAsOf,omitempty" doc:"when the advisories, or what belongs to them, last came or were found current"`
}

// Rematching counts the stored images.
func (s *Service) Rematching(ctx context.Context) (Rematching, error) {
	b, err := s.basis(ctx)
	if err != nil {
		return Rematching{}, err
	}
	outdated, all, err := s.o.Store.CountOutdated(ctx, b)
	r := Rematching{Done: all - outdated, Total: all}
	if !b.Data.IsZero() {
		r.DataOf = &b.Data
	}
	return r, err
}

// basis is the newest one of this server.
func (s *Service) basis(ctx context.Context) (Basis, error) {
	m, release, err := s.newMatcher(ctx)
	if err != nil {
		return Basis{}, err
	}
	defer release()
	return m.basis(), nil
}

// Stored returns a stored assessment, matched again first if it is outdated. It asks no registry, and fails with
// fault.NotFound.
func (s *Service) Stored(ctx context.Context, id string) (*Assessment, error) {
	was, err := s.o.Store.Matching(ctx, id)
	if err != nil {
		return nil, err
	}
	m, release, err := s.newMatcher(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if m.basis().Outdates(was.Basis) {
		if a, err := s.rematch(ctx, m, was); a != nil || err != nil {
			return a, err
		}
	}
	a, err := s.o.Store.Assessment(ctx, id)
	s.Age(&a)
	return &a, err
}

// Summaries lists stored assessments newest first, and says which are outdated.
func (s *Service) Summaries(ctx context.Context, query string, limit int, after string) (list []Summary, next string, err error) {
	b, err := s.basis(ctx)
	if err != nil {
		return nil, "", err
	}
	list, next, err = s.o.Store.Assessments(ctx, query, limit, after)
	for i := range list {
		list[i].Outdated = b.Outdates(list[i].Basis)
	}
	return list, next, err
}

// Changes lists what changed for the reference and platform of a stored assessment, newest first.
func (s *Service) Changes(ctx context.Context, id string) ([]Change, error) {
	return s.o.Store.Changes(ctx, id)
}

// A History is what changed for one image of one platform.
type History struct {
	Summary
	Changes []Change `json:"changes" nullable:"false"` // newest first
}

// History of an image, of each platform that is stored. It fails with fault.NotFound.
func (s *Service) History(ctx context.Context, ref image.Reference) ([]History, error) {
	b, err := s.basis(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := s.o.Store.SummariesOf(ctx, ref.String())
	if err != nil {
		return nil, err
	}
	var all []History
	for _, summary := range stored {
		changes, err := s.o.Store.Changes(ctx, summary.ID)
		if err != nil {
			return nil, err
		}
		summary.Outdated = b.Outdates(summary.Basis)
		all = append(all, History{summary, changes})
	}
	if len(all) == 0 {
		return nil, fault.New(fault.NotFound, "show history", "no check of %s is stored", ref).
			WithFix("Check it once: landwaiter image check %s --server URL", ref)
	}
	return all, nil
}

// rematch matches and judges a stored assessment again, and stores it. It is nil if another was quicker.
func (s *Service) rematch(ctx context.Context, m *matcher, was Matching) (*Assessment, error) {
	before, err := s.o.Store.Assessment(ctx, was.ID)
	if err != nil {
		return nil, err
	}
	after := before
	after.Scan.Components, after.External = slices.Clone(before.Scan.Components), slices.Clone(before.External)
	matching := was
	if !was.Data.Before(m.basis().Data) { // the advisories have nothing new to say
		matching.Basis = m.basis().After(was.Basis)
		after.setFindings(after.found(), m.judgements)
		matching.touched(&after, m.exceptions)
		s.Age(&after)
	} else if matching, err = s.match(ctx, m, &after); err != nil {
		return nil, err
	}
	after.compare()
	if matching.Policies, err = s.judge(ctx, &after); err != nil {
		return nil, err
	}
	if matching.ID = was.ID; len(was.Packages) > 0 {
		matching.Packages = nil // they are the same
	}
	if saysTheSame(&before, &after) && !was.Data.Before(matching.Data) {
		was.Subject, was.Touched = matching.Subject, matching.Touched
		return &after, s.o.Store.ConfirmMatchings(ctx, []Matching{was}, matching.Basis)
	}
	change := changeOf(&before, &after, matching.Basis.since(was.Basis), s.o.Now().UTC())
	stored, err := s.o.Store.PutRematched(ctx, after, matching, was.Basis, change)
	if err != nil || !stored {
		return nil, err
	}
	return &after, nil
}

// saysTheSame reports whether judging again altered nothing.
func saysTheSame(before, after *Assessment) bool {
	if !reflect.DeepEqual(before.Findings, after.Findings) || !reflect.DeepEqual(before.Suppressed, after.Suppressed) {
		return false
	}
	was, err := json.Marshal(before.Policy)
	is, err2 := json.Marshal(after.Policy)
	return err == nil && err2 == nil && bytes.Equal(was, is)
}

const (
	rematchLease = "match stored images"
	rematchBatch = 50
	rematchPoll  = 2 * time.Second
	rematchRetry = 10 * time.Minute // after some could not be matched
	rematchTell  = 10 * time.Second
	// rematchHold is longer than a batch takes, and as long as another server waits for one that has died.
	rematchHold = 30 * time.Second
)

// Rematch judges stored images again whenever there are newer advisories, or other VEX documents, exceptions or policies, until ctx ends. Of the servers of a
// database one at a time does it. Since each assessment knows what it rests on, work that was broken off goes on where it ended.
func (s *Service) Rematch(ctx context.Context) {
	holder := s.o.NewID()
	timer := time.NewTimer(0)
	defer timer.Stop()
	stuck := false
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			// Others need not wait for the end of the lease.
			now := s.o.Now()
			if _, err := s.o.Store.TakeLease(context.WithoutCancel(ctx), rematchLease, holder, now, now); err != nil {
				s.o.Log.Warn("the work on stored images was not given up", "error", err)
			}
			return
		}
		broke, err := s.rematchAll(ctx, holder)
		if err != nil && ctx.Err() == nil && !stuck { // once, and not every few seconds
			s.o.Log.WarnContext(ctx, "stored images cannot be matched with new advisories", "error", err, "fix", fault.FixOf(err))
		}
		stuck = err != nil
		if timer.Reset(rematchPoll); broke > 0 {
			timer.Reset(rematchRetry)
		}
	}
}

// rematchAll goes through what is outdated once, and says how many could not be matched.
func (s *Service) rematchAll(ctx context.Context, holder string) (broke int, err error) {
	now := s.o.Now()
	run := rematchRun{Service: s, started: now, told: now}
	for {
		b, err := s.basis(ctx)
		if err != nil {
			return 0, err
		}
		due, err := s.o.Store.OutdatedMatchings(ctx, b, rematchBatch, run.after)
		if err != nil {
			return 0, err
		}
		if len(due) == 0 {
			run.tell(ctx, "stored images are matched with the newest advisories", b)
			return run.broke, nil
		}
		began := s.o.Now()
		if mine, err := s.o.Store.TakeLease(ctx, rematchLease, holder, began, began.Add(rematchHold)); err != nil || !mine {
			return 0, err
		}
		if err := run.batch(ctx, due); err != nil {
			return 0, err
		}
		if s.o.Now().Sub(run.told) >= rematchTell {
			run.tell(ctx, "matching stored images with new advisories", b)
		}
		if len(s.slots) > 0 { // somebody waits for a scan
			pause(ctx, min(s.o.Now().Sub(began), rematchPoll))
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// A rematchRun goes through the outdated assessments once, in the order of their IDs.
type rematchRun struct {
	*Service
	matcher                  *matcher
	after                    string
	started, told            time.Time
	confirmed, remade, broke int
}

// tell logs how far the run is, unless it had nothing to do.
func (r *rematchRun) tell(ctx context.Context, message string, b Basis) {
	if r.after == "" {
		return
	}
	r.told = r.o.Now()
	outdated, all, err := r.o.Store.CountOutdated(ctx, b)
	if err != nil {
		return // the next question says why
	}
	r.o.Log.InfoContext(ctx, message, "done", all-outdated, "of", all, "unchanged", r.confirmed, "matched_again", r.remade, "failed", r.broke,
		"data_as_of", b.Data, "seconds", int(r.told.Sub(r.started).Seconds()))
}

func (r *rematchRun) batch(ctx context.Context, due []Matching) error {
	m, release, err := r.newMatcher(ctx)
	if err != nil {
		return err
	}
	defer release()
	if r.matcher == nil || r.matcher.index != m.index || r.matcher.judgements != m.judgements || r.matcher.policies != m.policies {
		r.matcher = m
	}
	var same []Matching
	for _, was := range due {
		r.after = was.ID
		check, unchanged, err := r.unchanged(ctx, was)
		if err != nil {
			return err
		}
		if unchanged {
			was.Check = check
			same = append(same, was)
			continue
		}
		switch _, err := r.rematch(ctx, r.matcher, was); {
		case ctx.Err() != nil:
			return stopped(ctx, "match stored images", "")
		case fault.CodeOf(err) == fault.NotFound: // it was deleted meanwhile
		case err != nil:
			r.broke++
			r.o.Log.WarnContext(ctx, "a stored image cannot be matched with new advisories", "id", was.ID, "error", err, "fix", fault.FixOf(err))
		default:
			r.remade++
		}
	}
	r.confirmed += len(same)
	return r.o.Store.ConfirmMatchings(ctx, same, r.matcher.basis())
}

// unchanged reports whether the new exceptions, and the new advisories, say the same of everything that was found.
func (r *rematchRun) unchanged(ctx context.Context, was Matching) (Check, bool, error) {
	b := r.matcher.basis()
	if was.VEX != b.VEX || was.Policies != b.Policies || !r.matcher.untouched(was) {
		return Check{}, false, nil
	}
	if !was.Data.Before(b.Data) {
		return was.Check, true, nil
	}
	if len(was.Found) == 0 {
		return Check{}, false, nil
	}
	held, err := readPackages(was.Packages)
	if err != nil {
		return Check{}, false, nil // the assessment itself has them, too
	}
	check, sum, err := r.matchAll(ctx, r.matcher, held, func(_ int, written []byte) (outcome, error) { return r.matcher.recall(ctx, written) })
	return check, err == nil && string(sum) == string(was.Found), err
}
