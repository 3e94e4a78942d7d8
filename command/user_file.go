package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/quotadb/quota-db/acl"
)

// maxUserFileBytes bounds the file of users.
const maxUserFileBytes = 64 << 20

// loadUsers replaces all users by those of the file that the configuration names; it does nothing if it names none. It returns the users that are no more.
func (s *Server) loadUsers() (gone []*acl.User, err error) {
	path := s.Config.UserFile
	if path == "" {
		return nil, nil
	}
	s.userFile.Lock()
	defer s.userFile.Unlock()
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxUserFileBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxUserFileBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	gone, err = s.Users.Load(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return gone, nil
}

// withUserFile does what ACL LOAD or SAVE does with the file of users, beside the event loop. It answers an error without a file.
func (c *call) withUserFile(work func(path string) ending) {
	path := c.server.Config.UserFile
	if path == "" {
		c.fail(errNoUserFile)
		return
	}
	c.beside(func() ending { return work(path) })
}

// aclLoad is ACL LOAD. The users that are no more lose their clients; the one who asks gets its reply before.
func aclLoad(c *call) {
	server, client, refuse := c.server, c.client, c.refuser()
	c.withUserFile(func(string) ending {
		gone, err := server.loadUsers()
		if err != nil {
			return refuse("ERR " + err.Error())
		}
		for _, u := range gone { // here, not in the ending: the client that asks may have gone
			server.endUserBut(u, client)
		}
		return func(dst []byte) []byte {
			client.CloseAfter = client.CloseAfter || client.user.Gone()
			client.order(server)
			return endOK(dst)
		}
	})
}

// aclSave writes a new file and puts it in the old one's place.
func aclSave(c *call) {
	server, refuse := c.server, c.refuser()
	c.withUserFile(func(path string) ending {
		if err := server.saveUsers(path); err != nil {
			server.Log.Warn("could not write the file of users", "path", path, "error", err)
			return refuse("ERR There was an error trying to save the ACLs. Please check the server logs for more information")
		}
		return endOK
	})
}

// saveUsers writes the users as they are once the file is free.
func (s *Server) saveUsers(path string) error {
	s.userFile.Lock()
	defer s.userFile.Unlock()
	return replaceFile(path, []byte(strings.Join(s.Users.List(), "\n")+"\n"))
}

// replaceFile has either the old or the new content at path, whatever happens. Only the owner may read it.
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
