package main

import (
	"io"
	"log/slog"
)

// level reads OFFRAMP_LOG_LEVEL.
func (s *settings) level() (slog.Level, error) {
	switch s.LogLevel {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return slog.LevelInfo, fault("OFFRAMP_LOG_LEVEL: invalid level %q: want debug, info, warn or error", s.LogLevel)
}

// logger writes to w as the settings say.
func (s *settings) logger(w io.Writer) (*slog.Logger, error) {
	level, err := s.level()
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return slog.New(slog.NewTextHandler(w, options)), nil
}
