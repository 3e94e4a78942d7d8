package node

import "github.com/quotadb/quota-db/config"

// Reload reads the files again that the configuration names: the file of the default user's password, and the file of
// users. It logs the result. If one cannot be read, nothing changes. Flags and environment variables, such as the log
// level, stay as they were at the start: a running process cannot be given others.
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
		n.log.Error("SIGHUP: could not read a file again, nothing has changed", "error", err)
		return
	}
	n.log.Info("SIGHUP: read again", "files", reloaded(cfg))
}

// reloaded returns the files that Reload reads.
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
