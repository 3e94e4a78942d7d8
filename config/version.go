package config

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"
)

// Version of this release, as --version and INFO show it.
const Version = "0.1.0"

// VersionText is the text of --version: the release and, as far as they are known, the commit, Go's version and the
// platform.
func VersionText() string {
	text := "quota-db " + Version
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return text
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	var details []string
	if revision := set["vcs.revision"]; revision != "" {
		commit := "commit " + revision[:min(len(revision), 12)]
		if set["vcs.modified"] == "true" {
			commit += " with changes"
		}
		details = append(details, commit, "of "+cmp.Or(set["vcs.time"], "an unknown time"))
	}
	details = append(details, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	return text + " (" + strings.Join(details, ", ") + ")"
}
