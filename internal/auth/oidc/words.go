package oidc

import (
	"context"

	"halsocoach/internal/web"
)

// words are those of a fault's page: what happened, and the next step.
type words struct{ Title, What, Step, Text string }

// wordsOf a fault. Staff get other advice than citizens where it is their
// employer who can mend it.
func wordsOf(ctx context.Context, code string, staff bool) words {
	w := words{Step: web.T(ctx, "Börja om"), Text: web.T(ctx, "Försök igen. Hjälper det inte? Prova ett annat sätt att logga in, eller hör av dig till ditt Hälsocenter.")}
	if staff {
		w.Text = web.T(ctx, "Försök igen. Hjälper det inte? Säg till din administratör och berätta vad som står här.")
	}
	w.Title, w.What = happened(ctx, code)
	switch code {
	case errCancelled.code:
		w.Step, w.Text = web.T(ctx, "Logga in när det passar"), web.T(ctx, "Vill du fortsätta nu? Börja om, det tar en halv minut.")
	case errDown.code, errNonsense.code:
		w.Step, w.Text = web.T(ctx, "Vänta ett par minuter"), web.T(ctx, "Felet ligger hos tjänsten du loggar in med. Försök igen om en stund, eller prova ett annat sätt att logga in.")
	case errMissing.code, errNumber.code:
		if !staff {
			w.Step, w.Text = web.T(ctx, "Prova en annan e-legitimation"), web.T(ctx, "Går det inte med någon? Ring ditt Hälsocenter, så hjälper de dig utan inloggning.")
		}
	case errWeak.code:
		w.Step, w.Text = web.T(ctx, "Logga in på ett starkare sätt"), web.T(ctx, "Använd ditt kort, din e-legitimation eller en kod i telefonen. Vet du inte vilket? Fråga dem som sköter inloggningen hos er.")
	}
	return w
}

// happened says what went wrong.
func happened(ctx context.Context, code string) (title, what string) {
	switch code {
	case errCancelled.code:
		return web.T(ctx, "Du avbröt inloggningen"), web.T(ctx, "Ingenting har hänt, och du är inte inloggad.")
	case errRefused.code:
		return web.T(ctx, "Inloggningen nekades"), web.T(ctx, "Tjänsten du loggar in med sa nej. Vi får inte veta varför.")
	case errDown.code:
		return web.T(ctx, "Inloggningen svarar inte just nu"), web.T(ctx, "Vi får ingen kontakt med tjänsten du loggar in med.")
	case errNonsense.code:
		return web.T(ctx, "Inloggningen svarar konstigt just nu"), web.T(ctx, "Tjänsten du loggar in med svarar, men inte på ett sätt som vi förstår.")
	case errIssuer.code:
		return web.T(ctx, "Svaret kom från fel håll"), web.T(ctx, "Den som svarade var inte den tjänst du valde. För säkerhets skull släppte vi inte in någon.")
	case errLost.code:
		return web.T(ctx, "Inloggningen gick inte att slutföra"), web.T(ctx, "Den tog för lång tid, eller började i en annan flik eller en annan webbläsare.")
	case errAgain.code:
		return web.T(ctx, "Inloggningen är redan använd"), web.T(ctx, "Varje inloggning gäller en gång. Den här har kommit till oss tidigare.")
	case errCode.code:
		return web.T(ctx, "Inloggningen hann bli för gammal"), web.T(ctx, "Tjänsten du loggar in med godtar den inte längre.")
	case errToken.code:
		return web.T(ctx, "Svaret gick inte att läsa"), web.T(ctx, "Tjänsten du loggar in med sa inte vem du är på ett sätt som vi förstår.")
	case errUnsigned.code:
		return web.T(ctx, "Svaret saknade underskrift"), web.T(ctx, "Utan en underskrift som vi litar på vet vi inte att svaret är äkta. För säkerhets skull släppte vi inte in någon.")
	case errKey.code:
		return web.T(ctx, "Underskriften gick inte att känna igen"), web.T(ctx, "Svaret är underskrivet av någon som vi inte känner. För säkerhets skull släppte vi inte in någon.")
	case errAudience.code:
		return web.T(ctx, "Svaret var inte till oss"), web.T(ctx, "Svaret gällde en annan tjänst än den här. För säkerhets skull släppte vi inte in någon.")
	case errExpired.code:
		return web.T(ctx, "Svaret hade slutat gälla"), web.T(ctx, "Inloggningen var för gammal när den kom fram, eller så går en klocka fel.")
	case errReplayed.code:
		return web.T(ctx, "Svaret hörde till en annan inloggning"), web.T(ctx, "För säkerhets skull släppte vi inte in någon.")
	case errMissing.code:
		return web.T(ctx, "Inloggningen sa inte vem du är"), web.T(ctx, "En uppgift som vi behöver saknades i svaret.")
	case errNumber.code:
		return web.T(ctx, "Personnumret gick inte att läsa"), web.T(ctx, "Numret i svaret är inte ett svenskt personnummer eller samordningsnummer.")
	case errWeak.code:
		return web.T(ctx, "Inloggningen behöver vara starkare"), web.T(ctx, "Det sätt du loggade in på räcker inte för det du ska göra här.")
	}
	return web.T(ctx, "Inloggningen gick inte"), web.T(ctx, "Något gick fel på vägen.")
}
