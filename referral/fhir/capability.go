package fhir

import (
	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// capability is what the door can do.
func capability(base string) r4.CapabilityStatement {
	yes, versioned := true, r4.ResourceVersionPolicyVersioned
	request := r4.CapabilityStatementRestResource{
		Type: r4.ResourceTypeServiceRequest, Versioning: &versioned, ConditionalCreate: &yes,
		Documentation: text("En rekommendation till ett Hälsocenter, med Patient och Consent. Den avsändande vårdcentralens egen beteckning (PLAC) gör att samma rekommendation inte tas emot två gånger."),
		Interaction:   interactions(r4.TypeRestfulInteractionCreate, r4.TypeRestfulInteractionRead),
	}
	work := r4.CapabilityStatementRestResource{
		Type: r4.ResourceTypeTask, Versioning: ptr(r4.ResourceVersionPolicyVersionedUpdate),
		Documentation: text("Hur det går med rekommendationen. Avsändaren kan sätta cancelled och entered-in-error."),
		Interaction: interactions(r4.TypeRestfulInteractionRead, r4.TypeRestfulInteractionSearchType,
			r4.TypeRestfulInteractionUpdate, r4.TypeRestfulInteractionPatch),
		SearchParam: []r4.CapabilityStatementRestResourceSearchParam{
			{Name: "focus", Type: r4.SearchParamTypeReference}, {Name: "status", Type: r4.SearchParamTypeToken}, {Name: "_lastUpdated", Type: r4.SearchParamTypeDate},
		},
	}
	return r4.CapabilityStatement{
		Url: text(base + "/metadata"), Name: text("Halsocoach"), Title: text("Hälsocoach online: rekommendationer till Hälsocenter"),
		Status: r4.PublicationStatusActive, Date: "2026-11-22", Publisher: text("Region Jönköpings län"), Kind: r4.CapabilityStatementKindInstance,
		Software:       &r4.CapabilityStatementSoftware{Name: "Hälsocoach online"},
		Implementation: &r4.CapabilityStatementImplementation{Description: "Rekommendationer från vårdcentraler", Url: text(base)},
		FhirVersion:    r4.FHIRVersion4_0_1, Format: []string{mediaFHIR, mediaJSON}, PatchFormat: []string{mediaPatch},
		ImplementationGuide: []string{"http://hl7.se/fhir/ig/base/ImplementationGuide/hl7se.fhir.base"},
		Rest: []r4.CapabilityStatementRest{{
			Mode: r4.RestfulCapabilityModeServer,
			Security: &r4.CapabilityStatementRestSecurity{
				Service:     []r4.CodeableConcept{*concept("http://terminology.hl7.org/CodeSystem/restful-security-service", "SMART-on-FHIR")},
				Description: text("SMART Backend Services: se " + base + "/.well-known/smart-configuration. En klient ser bara det som den egna vårdcentralens system har skickat."),
			},
			Resource:    []r4.CapabilityStatementRestResource{request, work},
			Interaction: []r4.CapabilityStatementRestInteraction{{Code: r4.SystemRestfulInteractionTransaction}},
		}},
	}
}

func interactions(codes ...r4.TypeRestfulInteraction) (all []r4.CapabilityStatementRestResourceInteraction) {
	for _, c := range codes {
		all = append(all, r4.CapabilityStatementRestResourceInteraction{Code: c})
	}
	return all
}

func ptr[T any](v T) *T { return &v }
