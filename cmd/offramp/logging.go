package main

import (
	"io"
	"log/slog"
	"strings"
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
	return s.loggerAt(w, level), nil
}

// loggerAt is logger with a level that may change.
func (s *settings) loggerAt(w io.Writer, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: cutField}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// The most bytes of one field of the log. Strangers write some of them.
const (
	mostField = 1 << 10
	mostStack = 16 << 10 // of a panic
)

// cutField cuts a field that is too long.
func cutField(_ []string, a slog.Attr) slog.Attr {
	most := mostField
	if a.Key == "stack" {
		most = mostStack
	}
	v, text := a.Value.Resolve(), ""
	switch v.Kind() {
	case slog.KindString:
		text = v.String()
	case slog.KindAny:
		err, ok := v.Any().(error)
		if !ok {
			return a
		}
		text = err.Error()
	default:
		return a
	}
	if len(text) > most {
		a.Value = slog.StringValue(strings.ToValidUTF8(text[:most], "") + "...")
	}
	return a
}
