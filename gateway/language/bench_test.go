package language

import "testing"

func BenchmarkSay(b *testing.B) {
	s := load(b, "").Match("en")
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			s.Say("mail.act")
		}
	})
	b.Run("two values", func(b *testing.B) {
		for b.Loop() {
			s.Say("mail.list.sender", "List", "Weekly", "Sender", "Example Letters")
		}
	})
}

func BenchmarkNumber(b *testing.B) {
	s := load(b, "").Match("en")
	for b.Loop() {
		s.Number(1234567)
	}
}

func BenchmarkCategory(b *testing.B) {
	p := load(b, "").Match("en").plurals
	b.Run("small", func(b *testing.B) {
		for b.Loop() {
			p.category(22)
		}
	})
	b.Run("large", func(b *testing.B) {
		for b.Loop() {
			p.category(1_000_000)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	c := load(b, "")
	for _, wish := range []string{"en", "de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7", hostile} {
		b.Run(shorten(wish), func(b *testing.B) {
			for b.Loop() {
				c.Match("", wish)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		load(b, "")
	}
}
