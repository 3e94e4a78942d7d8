package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/quotadb/quota-db/acl"
)

// maxUserFileBytes is the largest size of the file of users.
const maxUserFileBytes = 64 << 20

// loadUsers sets the default user's password, unless password is empty, and replaces all users by those of the file of
// users, if the configuration names one. After an error it has done neither. It returns the users that no longer exist.
func (s *Server) loadUsers(password string) (gone []*acl.User, err error) {
	s.userFile.Lock()
	defer s.userFile.Unlock()
	var file *acl.File
	if path := s.Config.UserFile; path != "" {
		if file, err = s.readUsers(path); err != nil {
			return nil, err
		}
	}
	if gone, err = s.Users.Replace(password, file); err != nil {
		return nil, fmt.Errorf("set the users: %w", err)
	}
	if password != "" {
		s.Params.RequirePass.Store(&password)
	}
	return gone, nil
}

// readUsers reads a file of users and changes nothing. It refuses files that are not regular, because opening a pipe
// waits until somebody writes to it.
func (s *Server) readUsers(path string) (*acl.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	if info.Size() > maxUserFileBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxUserFileBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := s.Users.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// withUserFile runs the work of ACL LOAD or SAVE beside the event loop. It replies with an error if there is no file of
// users.
func (c *call) withUserFile(work func(path string) ending) {
	path := c.server.Config.UserFile
	if path == "" {
		c.fail(errNoUserFile)
		return
	}
	c.besideFiles(func() ending { return work(path) })
}

// aclLoad is ACL LOAD. It disconnects clients of users that no longer exist; the client that asks gets its reply first.
func aclLoad(c *call) {
	server, client, refuse := c.server, c.client, c.refuser()
	asked := server.loads.begun.Load()
	c.withUserFile(func(string) ending {
		err := server.loads.share(asked, func() error {
			gone, err := server.loadUsers("")
			for _, u := range gone { // not in the ending, which is not called if the client has gone
				server.endUserBut(u, client)
			}
			return err
		})
		if err != nil {
			return refuse("ERR " + err.Error())
		}
		return func(dst []byte) []byte {
			if client.user.Gone() {
				client.end()
			}
			client.order(server)
			return endOK(dst)
		}
	})
}

// aclSave is ACL SAVE. It writes a new file and replaces the old one with it.
func aclSave(c *call) {
	server, refuse := c.server, c.refuser()
	asked := server.saves.begun.Load()
	c.withUserFile(func(path string) ending {
		if err := server.saves.share(asked, func() error { return server.saveUsers(path) }); err != nil {
			server.Log.Warn("could not write the file of users", "path", path, "error", err)
			return refuse("ERR There was an error trying to save the ACLs. Please check the server logs for more information")
		}
		return endOK
	})
}

// saveUsers waits until no other command uses the file, and then writes the users.
func (s *Server) saveUsers(path string) error {
	s.userFile.Lock()
	defer s.userFile.Unlock()
	return replaceFile(path, []byte(strings.Join(s.Users.List(), "\n")+"\n"))
}

// replaceFile replaces a file so that path always has either the old or the new content. Only the owner may read it.
func replaceFile(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".users-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
