package command

import "fmt"

// Reload sets the default user's password, unless password is empty, and reads the file of users again as ACL LOAD
// does, if there is one. It disconnects clients of users that no longer exist. After an error, users and password are
// as before. Errors are those of the file: reading it, or a wrong line.
func (s *Server) Reload(password string) error {
	gone, err := s.loadUsers(password)
	if err != nil {
		return err
	}
	for _, u := range gone {
		s.endUser(u)
	}
	return nil
}

// SetUp sets the users of the configuration: the password of the default user, and the users of the file. Errors are
// those of Reload.
func (s *Server) SetUp(password string) error { return s.Reload(password) }

func (s *Server) requirePassword(password string) error {
	if err := s.Users.RequirePass(password); err != nil {
		return fmt.Errorf("set the password: %w", err)
	}
	s.Params.RequirePass.Store(&password)
	return nil
}
