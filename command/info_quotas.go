package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/quotadb/quota-db/shares"
)

// partStates are the names of a part's states in INFO.
var partStates = map[shares.State]string{
	shares.Whole: "whole", shares.Waiting: "waiting", shares.Withheld: "withheld", shares.InForce: "in_force",
}

// infoQuotas writes whose the tokens of quotas are, and what happened to takes. Figures of commands are since the start
// or CONFIG RESETSTAT, the others since the start.
func infoQuotas(r *report) {
	s := r.call.server
	infoPart(r)
	r.line("quota_admitted", r.stats.Admitted)
	r.line("quota_denied", r.stats.Denied)
	if s.Desk == nil {
		return
	}
	d := s.Desk.Stats()
	r.line("quota_waited", d.Waited)
	r.line("quota_waited_granted", d.Granted)
	r.line("quota_waited_denied", d.Denied)
	r.line("quota_waited_cancelled", d.Cancelled)
	r.line("quota_denied_at_once", d.Hopeless)
	r.line("quota_tokens_from_others", d.GrantedTokens)
	r.line("quota_tokens_returned", d.GivenBack)
	r.line("quota_tokens_lost", d.Lost)
	r.line("quota_asks_sent", d.Asks)
	r.line("quota_looks_sent", d.Looks)
	r.line("quota_asks_answered", d.Served)
	r.line("quota_tokens_for_others", d.TakenFor)
	r.line("quota_tokens_returned_by_others", d.BackFor)
	r.line("quota_round_trip_usec", s.Desk.RoundTrip().Microseconds())
}

// infoPart writes this node's part of quotas, and the members of the cluster.
func infoPart(r *report) {
	s := r.call.server
	part := s.DB.Part()
	r.line("quota_state", partStates[part.State])
	r.line("quota_waits_for", part.Why)
	council := s.replication().Quotas
	if part.Table != nil {
		var nodes []string
		for _, m := range part.Table.Members {
			nodes = append(nodes, strconv.Itoa(int(m.Node)))
		}
		r.line("quota_members", strings.Join(nodes, ","))
		r.line("quota_is_member", flag(part.Table.Has(part.Node)))
		r.line("quota_stranded_percent", fmt.Sprintf("%.1f", stranded(part, council)))
	}
	if council == nil {
		return
	}
	r.line("quota_conflicts", len(council.Conflicts))
	for i, m := range council.Members {
		r.line(fmt.Sprintf("quota_member%d", i), fmt.Sprintf("node=%d,connected=%d,proven=%d", m.Node, flag(m.Connected), flag(m.Proven)))
	}
}

// stranded is the percentage of all tokens that belong to members that are not connected, or that cannot use their own.
func stranded(part *shares.Part, council *shares.CouncilStatus) float64 {
	out := 0
	if part.State == shares.Withheld {
		out++
	}
	if council == nil {
		out = len(part.Table.Members)
		if part.Table.Has(part.Node) && part.State == shares.InForce {
			out--
		}
	} else {
		for _, m := range council.Members {
			if !m.Connected || !m.Proven {
				out++
			}
		}
	}
	return 100 * float64(out) / float64(len(part.Table.Members))
}
