package node

import "github.com/quotadb/quota-db/config"

// Reload reads again what the configuration names and may have changed since: the file of the default user's password,
// and the file of users. It logs what it did. What cannot be read leaves all as it is. Flags and environment variables,
// as the log level, are those of the start: a process cannot be given others.
func (n *Node) Reload() {
	cfg := n.commands.Config
	password, err := "", error(nil)
	if cfg.RequirePassFile != "" {
		if err = checkRegular(cfg.RequirePassFile, "--requirepass-file"); err == nil {
			password, err = readPassword(cfg)
		}
	}
	if err == nil {
		err = n.commands.Reload(password)
	}
	if err != nil {
		n.log.Error("SIGHUP: what could not be read again stays as it was", "error", err)
		return
	}
	n.log.Info("SIGHUP: read again", "files", reloaded(cfg))
}

// reloaded are the files that Reload reads.
func reloaded(cfg *config.Config) []string {
	files := []string{} // shown as [] if there is none
	if cfg.RequirePassFile != "" {
		files = append(files, cfg.RequirePassFile)
	}
	if cfg.UserFile != "" {
		files = append(files, cfg.UserFile)
	}
	return files
}
